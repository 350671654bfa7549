#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes container images for oci-test.sh. Usage: oci.py DIR BUSYBOX: makes
DIR/layout (OCI layout), DIR/oci.tar (the same as an archive), DIR/docker.tar
(docker save's older form), DIR/bare (no directories
in the layer), DIR/evil (layers that try to leave the tree)."""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile


def member(tar, name, content=b"", kind=tarfile.REGTYPE, mode=0o644, **more):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size = kind, mode, len(content)
    info.mtime = 1700000000
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(content))


def layer(*members, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for m in members:
            member(tar, *m[:-1], **m[-1])
    return out.getvalue()


def directory(name, mode=0o755, **more):
    return (name, dict(kind=tarfile.DIRTYPE, mode=mode, **more))


def link(name, target, kind=tarfile.SYMTYPE):
    return (name, dict(kind=kind, linkname=target, mode=0o777))


def file(name, content, **more):
    return (name, content, more)


LONG = "long/" + "/".join(["d" * 60] * 4) + "/" + "f" * 120


def layers(busybox):
    base = layer(
        directory("./"),
        directory("bin"), file("bin/busybox", busybox, mode=0o755),
        link("bin/sh", "busybox"), link("usr/bin", "../bin"),
        directory("etc"),
        file("etc/passwd", b"root:x:0:0::/:/bin/sh\nweb:x:33:34::/:/bin/sh\n"),
        file("etc/group", b"root:x:0:\nweb:x:34:\nstaff:x:50:\n"),
        file("gone", b"a"), file("kept", b"base"),
        directory("dir"), file("dir/old", b"a"),
        directory("opaque"), file("opaque/old", b"a"),
        directory("opaque/deep"), file("opaque/deep/old", b"a"),
        file("becomes-dir", b"a"), directory("becomes-file"),
        file("becomes-file/x", b"a"),
        file("owned", b"a", uid=12, gid=34, mode=0o4750),
        file(LONG, b"long"),
        file("hard", b"hard"), link("hard2", "hard", tarfile.LNKTYPE),
        file("attr", b"", pax_headers={"SCHILY.xattr.user.x": "y"}),
        directory("work", 0o700, uid=33))
    gnu = layer(
        file(LONG + "2", b"long2"), file(".wh.gone", b""),
        file("dir/.wh.old", b""), file("dir/new", b"b"),
        file("opaque/new", b"b"), file("opaque/.wh..wh..opq", b""),
        directory("becomes-dir"), file("becomes-dir/y", b"b"),
        file("becomes-file", b"b"),
        # Through a link of the layer below, which leads inside.
        file("usr/bin/tool", b"#!/bin/sh\necho tool $X $1; pwd\n"
             b"exec busybox id -u\n", mode=0o755),
        form=tarfile.GNU_FORMAT)
    return base, gnu


CONFIG = {
    "Entrypoint": ["tool"], "Cmd": ["word"], "User": "web",
    "WorkingDir": "/work",
    "Env": ["PATH=/usr/bin:/bin", "X=from image"],
}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def layout(where, tars, config, arch="amd64"):
    def blob(data):
        put(f"{where}/blobs/sha256/{digest(data)}", data)
        return {"digest": "sha256:" + digest(data), "size": len(data)}

    def document(d):
        return blob(json.dumps(d).encode())

    blobs = [blob(gzip.compress(t, mtime=0) if i % 2 else t)
             for i, t in enumerate(tars)]
    manifest = document({
        "schemaVersion": 2, "layers": blobs,
        "config": document({"architecture": arch, "os": "linux",
                            "config": config})})
    other = dict(manifest, digest="sha256:" + "0" * 64,
                 platform={"os": "linux", "architecture": "arm64"})
    manifest["platform"] = {"os": "linux", "architecture": arch}
    index = document({"schemaVersion": 2, "manifests": [other, manifest]})
    put(f"{where}/index.json", json.dumps({"manifests": [index]}).encode())
    put(f"{where}/oci-layout", b'{"imageLayoutVersion": "1.0.0"}')


def archive(where, out):
    with tarfile.open(out, "w") as tar:
        for name in sorted(os.listdir(where)):
            tar.add(f"{where}/{name}", name)


def main():
    where, busybox = sys.argv[1], open(sys.argv[2], "rb").read()
    tars = layers(busybox)
    layout(f"{where}/layout", tars, CONFIG)
    archive(f"{where}/layout", f"{where}/oci.tar")
    old = f"{where}/old"
    for i, t in enumerate(tars):
        put(f"{old}/{i}/layer.tar", t)
    put(f"{old}/c.json", json.dumps({"os": "linux", "config": CONFIG}).encode())
    put(f"{old}/manifest.json", json.dumps([{
        "Config": "c.json", "Layers": ["0/layer.tar", "1/layer.tar"]}]).encode())
    archive(old, f"{where}/docker.tar")
    outside = f"{where}/outside"
    os.makedirs(outside)
    put(f"{outside}/precious", b"precious")
    evil = [
        layer(link("abs", outside), link("up", "../" * 20 + outside[1:]),
              link("file", outside + "/precious")),
        layer(file("abs/.wh.precious", b""), file("abs/new", b"n"),
              file("up/new", b"n"), file("file", b"overwritten"),
              file("fine", b"fine"))]
    layout(f"{where}/evil", evil, {"Entrypoint": ["/fine"]})
    layout(f"{where}/dots", [layer(file("../../dots-out", b"x"))], {})
    layout(f"{where}/hard", [layer(
        link("stolen", outside + "/precious", tarfile.LNKTYPE))], {})
    layout(f"{where}/arm", tars, CONFIG, arch="arm64")
    layout(f"{where}/cwd", tars, dict(CONFIG, WorkingDir="/srv/app/data"))
    layout(f"{where}/words", tars, dict(CONFIG, Entrypoint="tool word"))
    layout(f"{where}/bad", tars, CONFIG)
    # As umoci writes them: without the directories above a file.
    layout(f"{where}/bare", [layer(
        file("deep/below/busybox", busybox, mode=0o755))],
        {"Entrypoint": ["/deep/below/busybox", "echo"]})
    name = digest(tars[0])
    put(f"{where}/bad/blobs/sha256/{name}", tars[0][:-1] + b"x")
    layout(f"{where}/cut", [tars[0][:1000]], CONFIG)


main()
