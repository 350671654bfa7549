/* SPDX-License-Identifier: MIT
 *
 * Interfaces, as getifaddrs(3), netlink and ioctl(2) tell: only `lo`, since
 * the others differ from machine to machine.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "tests/guest/show.h"

static void addresses(void)
{
    struct ifaddrs *all, *a;
    char text[64];

    if (SHOW(getifaddrs(&all))) {
        return;
    }
    for (a = all; a; a = a->ifa_next) {
        int family = a->ifa_addr ? a->ifa_addr->sa_family : 0;

        if (strcmp(a->ifa_name, "lo") || family == AF_INET6) {
            continue;
        }
        printf("lo: family %d flags %x", family, a->ifa_flags);
        if (family == AF_INET) {
            struct sockaddr_in *in = (void *)a->ifa_addr;
            struct sockaddr_in *mask = (void *)a->ifa_netmask;

            printf(" %s", inet_ntop(AF_INET, &in->sin_addr, text, 64));
            printf(" %s", inet_ntop(AF_INET, &mask->sin_addr, text, 64));
        }
        printf("\n");
    }
    freeifaddrs(all);
    SHOW(if_nametoindex("lo"));
    SHOW(if_nametoindex("no-such"));
}

static void ioctls(void)
{
    struct ifreq r = {.ifr_name = "lo"};
    int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);

    SHOW(ioctl(fd, SIOCGIFINDEX, &r));
    printf("index %d\n", r.ifr_ifindex);
    SHOW(ioctl(fd, SIOCGIFMTU, &r));
    printf("mtu %d\n", r.ifr_mtu);
    SHOW(ioctl(fd, SIOCGIFFLAGS, &r));
    printf("flags %x\n", r.ifr_flags);
    SHOW(ioctl(fd, SIOCGIFHWADDR, &r));
    printf("hardware %d\n", r.ifr_hwaddr.sa_family);
    r.ifr_ifindex = 1;
    memset(r.ifr_name, 0, sizeof(r.ifr_name));
    r.ifr_ifindex = 1;
    SHOW(ioctl(fd, SIOCGIFNAME, &r));
    printf("name %s\n", r.ifr_name);
    strcpy(r.ifr_name, "none");
    SHOW(ioctl(fd, SIOCGIFINDEX, &r));
    SHOW(ioctl(fd, SIOCGIFMTU, &r));
    SHOW(ioctl(fd, SIOCGIFMTU, BAD));
    r.ifr_ifindex = 77777;
    SHOW(ioctl(fd, SIOCGIFNAME, &r));
    close(fd);
}

static int send_request(int fd, int type, int flags)
{
    struct {
        struct nlmsghdr h;
        struct ifaddrmsg m;
    } q = {.h = {.nlmsg_len = sizeof(q),
                 .nlmsg_type = type,
                 .nlmsg_flags = flags,
                 .nlmsg_seq = 7}};

    return send(fd, &q, sizeof(q), 0);
}

/* Types of the messages up to the end of the list. */
static void read_list(int fd)
{
    char buf[32768];
    int seen = 0, done = 0, multi = NLM_F_MULTI;

    while (!done) {
        ssize_t got = recv(fd, buf, sizeof(buf), 0), n = got;

        for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, n);
             h = NLMSG_NEXT(h, n)) {
            if (h->nlmsg_type == NLMSG_ERROR) {
                struct nlmsgerr *e = NLMSG_DATA(h);

                printf("error %s\n", strerrorname_np(-e->error));
                done = 1;
            } else if (h->nlmsg_type == NLMSG_DONE) {
                done = 1;
            } else {
                multi &= h->nlmsg_flags;
                seen = h->nlmsg_type;
            }
        }
        if (got <= 0) {
            printf("end\n");
            return;
        }
    }
    EXPECT(multi == NLM_F_MULTI);
    printf("messages of type %d\n", seen);
}

static void netlink(void)
{
    struct sockaddr_nl name = {.nl_family = AF_NETLINK};
    socklen_t len = sizeof(name);
    int fd;

    SHOW(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
    SHOW(socket(AF_NETLINK, SOCK_RAW, 77));
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    SHOW(bind(fd, (void *)&name, 4));
    SHOW(bind(fd, (void *)&name, sizeof(name)));
    SHOW(getsockname(fd, (void *)&name, &len));
    EXPECT(len == sizeof(name) && name.nl_family == AF_NETLINK && name.nl_pid);
    SHOW(listen(fd, 1));
    SHOW(recv(fd, &name, 1, MSG_DONTWAIT));
    send_request(fd, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP);
    read_list(fd);
    close(fd);
    fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
    send_request(fd, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
    EXPECT(recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC) > 32);
    close(fd);
}

/* The first socket has the process's number, others have some other. */
static void numbers(void)
{
    struct sockaddr_nl name = {.nl_family = AF_NETLINK}, other = name;
    socklen_t len = sizeof(name);
    int a = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    int b = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

    title("numbers");
    SHOW(connect(a, (void *)&name, sizeof(name)));
    getsockname(a, (void *)&name, &len);
    EXPECT(name.nl_pid == (unsigned)getpid());
    SHOW(bind(b, (void *)&name, sizeof(name)));
    SHOW(bind(b, (void *)&other, sizeof(other)));
    getsockname(b, (void *)&other, &len);
    EXPECT(other.nl_pid && other.nl_pid != name.nl_pid);
    other.nl_pid++;
    SHOW(bind(b, (void *)&other, sizeof(other)));
    close(a);
    close(b);
    a = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
    name.nl_pid = 0;
    SHOW(bind(a, (void *)&name, sizeof(name)));
    getsockname(a, (void *)&name, &len);
    EXPECT(name.nl_pid == (unsigned)getpid());
    SHOW(recv(a, &name, 1, MSG_DONTWAIT));
    close(a);
}

/* Who sent it: the kernel, nobody else. */
static void sender(void)
{
    int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), on = 1;
    union {
        char raw[64];
        struct cmsghdr h;
    } c = {0};
    struct iovec iov = {&s, 0};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = c.raw,
                       .msg_controllen = sizeof(c)};
    struct ucred *u = (void *)CMSG_DATA(&c.h);

    title("sender");
    setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    send_request(s, RTM_GETADDR, NLM_F_REQUEST | NLM_F_ROOT);
    SHOW(recvmsg(s, &m, MSG_PEEK));
    printf("%d: %d %u %u\n", c.h.cmsg_type, u->pid, u->uid, u->gid);
    read_list(s);
    close(s);
}

static void groups(void)
{
    int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), v = 3;
    unsigned words[4] = {9, 9, 9, 9};
    socklen_t len = 0;

    title("groups");
    SHOW(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, NULL, &len));
    printf("%u\n", len);
    SHOW(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
    v = 0;
    SHOW(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
    v = 1000;
    SHOW(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
    SHOW(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, 3));
    len = 4;
    SHOW(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words, &len));
    printf("%u: %u %u\n", len, words[0], words[1]);
    SHOW(getsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &v, &len));
    printf("%u %d\n", len, v);
    SHOW(setsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &(int){7}, 4));
    SHOW(getsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &v, &len));
    printf("%u %d\n", len, v);
    len = 3;
    SHOW(getsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &v, &len));
    SHOW(setsockopt(s, SOL_NETLINK, 99, &v, sizeof(v)));
    SHOW(getsockopt(s, SOL_NETLINK, 99, &v, &len));
    close(s);
}

int main(void)
{
    addresses();
    ioctls();
    netlink();
    numbers();
    sender();
    groups();
    return 0;
}
