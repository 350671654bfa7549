/* SPDX-License-Identifier: MIT
 *
 * /proc/net/snmp, netstat and snmp6 (proc(5)): a line of names and a line of
 * numbers for each protocol. What nobody counts here (kernel/net/count.h) is 0,
 * as on a Linux where it did not happen.
 */
#include "kernel/fs/procfs/proc_net.h"
#include "kernel/net/count.h"
#include "kernel/net/inet/inet.h"
#include "abi/linux/diag.h"

/* Names that have no number of ours. */
static const char ip_names[] =
    " InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos"
    " InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout"
    " ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates"
    " OutTransmits";
static const char icmp_names[] =
    " InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs"
    " InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps"
    " InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors"
    " OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds"
    " OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps"
    " OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps";
static const char tcp_ext_names[] =
    " SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts"
    " PruneCalled RcvPruned OfoPruned OutOfWindowIcmps LockDroppedIcmps"
    " ArpFilter TW TWRecycled TWKilled PAWSActive PAWSEstab BeyondWindow"
    " TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs DelayedACKLocked"
    " DelayedACKLost ListenOverflows ListenDrops TCPHPHits TCPPureAcks"
    " TCPHPAcks TCPRenoRecovery TCPSackRecovery TCPSACKReneging"
    " TCPSACKReorder TCPRenoReorder TCPTSReorder TCPFullUndo TCPPartialUndo"
    " TCPDSACKUndo TCPLossUndo TCPLostRetransmit TCPRenoFailures"
    " TCPSackFailures TCPLossFailures TCPFastRetrans TCPSlowStartRetrans"
    " TCPTimeouts TCPLossProbes TCPLossProbeRecovery TCPRenoRecoveryFail"
    " TCPSackRecoveryFail TCPRcvCollapsed TCPBacklogCoalesce TCPDSACKOldSent"
    " TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv TCPAbortOnData"
    " TCPAbortOnClose TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnLinger"
    " TCPAbortFailed TCPMemoryPressures TCPMemoryPressuresChrono"
    " TCPSACKDiscard TCPDSACKIgnoredOld TCPDSACKIgnoredNoUndo"
    " TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure"
    " TCPSackShifted TCPSackMerged TCPSackShiftFallback TCPBacklogDrop"
    " PFMemallocDrop TCPMinTTLDrop TCPDeferAcceptDrop IPReversePathFilter"
    " TCPTimeWaitOverflow TCPReqQFullDoCookies TCPReqQFullDrop"
    " TCPRetransFail TCPRcvCoalesce TCPOFOQueue TCPOFODrop TCPOFOMerge"
    " TCPChallengeACK TCPSYNChallenge TCPFastOpenActive"
    " TCPFastOpenActiveFail TCPFastOpenPassive TCPFastOpenPassiveFail"
    " TCPFastOpenListenOverflow TCPFastOpenCookieReqd TCPFastOpenBlackhole"
    " TCPSpuriousRtxHostQueues BusyPollRxPackets TCPAutoCorking"
    " TCPFromZeroWindowAdv TCPToZeroWindowAdv TCPWantZeroWindowAdv"
    " TCPSynRetrans TCPOrigDataSent TCPHystartTrainDetect"
    " TCPHystartTrainCwnd TCPHystartDelayDetect TCPHystartDelayCwnd"
    " TCPACKSkippedSynRecv TCPACKSkippedPAWS TCPACKSkippedSeq"
    " TCPACKSkippedFinWait2 TCPACKSkippedTimeWait TCPACKSkippedChallenge"
    " TCPWinProbe TCPKeepAlive TCPMTUPFail TCPMTUPSuccess TCPDelivered"
    " TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop TCPRcvQDrop"
    " TCPWqueueTooBig TCPFastOpenPassiveAltKey TcpTimeoutRehash"
    " TcpDuplicateDataRehash TCPDSACKRecvSegs TCPDSACKIgnoredDubious"
    " TCPMigrateReqSuccess TCPMigrateReqFailure TCPPLBRehash TCPAORequired"
    " TCPAOBad TCPAOKeyNotFound TCPAOGood TCPAODroppedIcmps";
static const char ip_ext_names[] =
    " InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts"
    " OutBcastPkts InOctets OutOctets InMcastOctets OutMcastOctets"
    " InBcastOctets OutBcastOctets InCsumErrors InNoECTPkts InECT1Pkts"
    " InECT0Pkts InCEPkts ReasmOverlaps";

static uint64_t count(enum net_count what)
{
    return atomic_load_relaxed(&net_counts[what]);
}

static void count_established(struct inet_socket *i, void *arg)
{
    struct inet_look look;
    unsigned *n = arg;

    if (i->s.type == SOCK_STREAM) {
        inet_look_at(i, &look);
        *n += look.state == TCP_STATE_ESTABLISHED ||
              look.state == TCP_STATE_CLOSE_WAIT;
    }
}

/* "NAME: names", and a 0 for each of them. */
static void add_zeros(struct text *t, const char *name, const char *names,
                      const char *first)
{
    text_add(t, "%s:%s", name, first);
    for (const char *p = names; *p; p++) {
        if (*p == ' ') {
            text_bytes(t, " 0", 2);
        }
    }
    text_bytes(t, "\n", 1);
}

static void add_names(struct text *t, const char *name, const char *first,
                      const char *names)
{
    text_add(t, "%s:%s%s\n", name, first, names);
}

static void add_tcp(struct text *t)
{
    unsigned established = 0;

    inet_for_each(count_established, &established);
    text_add(t,
             "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens "
             "AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs "
             "InErrs OutRsts InCsumErrors\n"
             "Tcp: 1 200 120000 -1 %lu %lu %lu %lu %u 0 0 0 0 %lu 0\n",
             count(TCP_ACTIVE_OPENS), count(TCP_PASSIVE_OPENS),
             count(TCP_ATTEMPT_FAILS), count(TCP_ESTAB_RESETS), established,
             count(TCP_OUT_RSTS));
}

static void add_udp(struct text *t)
{
    text_add(t,
             "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors "
             "SndbufErrors InCsumErrors IgnoredMulti MemErrors\n"
             "Udp: %lu %lu %lu %lu %lu 0 0 0 0\n"
             "UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors "
             "SndbufErrors InCsumErrors IgnoredMulti MemErrors\n"
             "UdpLite: 0 0 0 0 0 0 0 0 0\n",
             count(UDP_IN), count(UDP_NO_PORTS), count(UDP_RECV_ERRORS),
             count(UDP_OUT), count(UDP_RECV_ERRORS));
}

int proc_show_snmp(struct text *t, const struct pseudo_at *at)
{
    add_names(t, "Ip", " Forwarding DefaultTTL", ip_names);
    add_zeros(t, "Ip", ip_names, " 2 64");
    add_names(t, "Icmp", "", icmp_names);
    add_zeros(t, "Icmp", icmp_names, "");
    add_tcp(t);
    add_udp(t);
    return 0;
}

int proc_show_netstat(struct text *t, const struct pseudo_at *at)
{
    add_names(t, "TcpExt", "", tcp_ext_names);
    add_zeros(t, "TcpExt", tcp_ext_names, "");
    add_names(t, "IpExt", "", ip_ext_names);
    add_zeros(t, "IpExt", ip_ext_names, "");
    return 0;
}

/* One name a line. */
int proc_show_snmp6(struct text *t, const struct pseudo_at *at)
{
    static const char *const names[] = {
        "Ip6InReceives",    "Ip6InDelivers",    "Ip6OutRequests",
        "Udp6InDatagrams",  "Udp6NoPorts",      "Udp6InErrors",
        "Udp6OutDatagrams", "Udp6RcvbufErrors", "Udp6SndbufErrors"};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        text_add(t, "%-32s\t0\n", names[i]);
    }
    return 0;
}
