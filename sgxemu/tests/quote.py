#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Verifies a version 3 quote against a folder of `sgxemu collateral`, by
Intel's "SGX ECDSA QuoteLibReference", appendix A, and openssl(1): nothing of
the emulator's code takes part. Prints a test line a step."""
import json
import re
import struct
import subprocess
import sys
import tempfile

EMULATED = "EMULATED, NOT A TEE"
# SubjectPublicKeyInfo of an uncompressed point of P-256.
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
failures = 0


def ok(good, what):
    global failures
    failures += not good
    print("ok" if good else "not ok", "sgxemu quote.py:", what)


def openssl(*args, data=None):
    return subprocess.run(("openssl",) + args, input=data,
                          capture_output=True, check=False)


def integer(raw):
    raw = raw.lstrip(b"\0") or b"\0"
    raw = b"\0" + raw if raw[0] & 0x80 else raw
    return b"\x02" + bytes([len(raw)]) + raw


def verified(spki, message, signature):
    """ECDSA over P-256, r and s side by side, with a DER public key."""
    der = integer(signature[:32]) + integer(signature[32:])
    with tempfile.TemporaryDirectory() as tmp:
        open(tmp + "/sig", "wb").write(b"\x30" + bytes([len(der)]) + der)
        open(tmp + "/key", "wb").write(spki)
        return openssl("dgst", "-sha256", "-verify", tmp + "/key", "-keyform",
                       "DER", "-signature", tmp + "/sig",
                       data=message).returncode == 0


def spki_of(certificate):
    pem = openssl("x509", "-pubkey", "-noout", data=certificate).stdout
    return openssl("pkey", "-pubin", "-outform", "DER", data=pem).stdout


def chain_good(certificates, where):
    with tempfile.TemporaryDirectory() as tmp:
        open(tmp + "/leaf", "wb").write(certificates[0])
        open(tmp + "/rest", "wb").write(b"".join(certificates[1:]))
        crls = [open(where + name).read()
                for name in ("/root_ca_crl.pem", "/pck_crl.pem")]
        open(tmp + "/crl", "w").write("".join(crls))
        return openssl("verify", "-x509_strict", "-crl_check_all", "-CRLfile",
                       tmp + "/crl", "-CAfile", where + "/root_ca.pem",
                       "-untrusted", tmp + "/rest",
                       tmp + "/leaf").returncode == 0


def split(pem):
    return re.findall(b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE"
                      b"-----\n", pem, re.S)


def signed_json(where, name, key):
    """The object, and whether TCB signing's key signed its bytes."""
    text = open(where + "/" + name, "rb").read()
    body = text[text.index(b":") + 1:text.rindex(b',"signature"')]
    whole = json.loads(text)
    signer = split(open(where + "/tcb_signing_chain.pem", "rb").read())
    good = verified(spki_of(signer[0]), body,
                    bytes.fromhex(whole["signature"]))
    return whole[key], good and chain_good(signer, where)


def main(path, where):
    quote = open(path, "rb").read()
    version, key_type = struct.unpack("<HH", quote[:4])
    ok(version == 3 and key_type == 2, "version 3, ECDSA over P-256")
    length, = struct.unpack("<I", quote[432:436])
    s = quote[436:436 + length]
    point, qe_report, qe_signature = s[64:128], s[128:512], s[512:576]
    auth_size, = struct.unpack("<H", s[576:578])
    auth = s[578:578 + auth_size]
    kind, size = struct.unpack("<HI", s[578 + auth_size:584 + auth_size])
    pem = s[584 + auth_size:584 + auth_size + size]
    chain = split(pem)
    ok(kind == 5 and len(chain) == 3, "certification data: a PCK chain")
    ok(verified(SPKI + point, quote[:432], s[:64]),
       "header and report body are signed by the attestation key")
    ok(not verified(SPKI + point, quote[:431] + b"!", s[:64]),
       "not with a byte changed")
    bound = openssl("dgst", "-sha256", "-binary", data=point + auth).stdout
    ok(qe_report[320:352] == bound, "the QE's report binds that key")
    ok(verified(spki_of(chain[0]), qe_report, qe_signature),
       "the PCK signed the QE's report")
    ok(chain_good(chain, where), "openssl verify: the chain, with both CRLs")
    ok(chain[2] == split(open(where + "/root_ca.pem", "rb").read())[0],
       "its root is the collateral's, byte for byte")
    names = [openssl("x509", "-noout", "-subject", data=c).stdout.decode()
             for c in chain]
    ok(all(EMULATED in n for n in names), "every certificate says " + EMULATED)

    tcb, good = signed_json(where, "tcb_info.json", "tcbInfo")
    ok(good, "TCB info is signed by the root's TCB signing key")
    text = openssl("x509", "-outform", "DER", data=chain[0]).stdout.hex()
    oid = "060a2a864886f84d010d01"  # 1.2.840.113741.1.13.1.n
    fmspc = re.search(oid + "040406(.{12})", text)
    ok(fmspc and fmspc.group(1).upper() == tcb["fmspc"],
       "FMSPC of the PCK's SGX extension is TCB info's")
    svns = re.search("060b2a864886f84d010d01021204" + "10(.{32})", text)
    want = [c["svn"] for c in tcb["tcbLevels"][0]["tcb"]["sgxtcbcomponents"]]
    ok(svns and list(bytes.fromhex(svns.group(1))) == want,
       "CPUSVN of the PCK is the level that TCB info calls up to date")

    qe, good = signed_json(where, "qe_identity.json", "enclaveIdentity")
    ok(good, "QE identity is signed by the root's TCB signing key")
    product, svn = struct.unpack("<HH", qe_report[256:260])
    ok(qe_report[128:160].hex().upper() == qe["mrsigner"] and
       product == qe["isvprodid"] and
       svn >= qe["tcbLevels"][0]["tcb"]["isvsvn"], "and the QE is that one")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
