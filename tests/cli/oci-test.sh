#!/bin/bash
# SPDX-License-Identifier: MIT
# Container images: layers with whiteouts, the program that they name, and
# layers that mean harm.
. tests/cli/bundle-lib.sh

mkdir "$work/oci"
python3 tests/cli/oci.py "$work/oci" /bin/busybox

pack "$work/oci/layout"
check layout status_is 0
cp "$work/app.enc" "$work/layout.enc"
run "$work/layout.enc"
check runs out_is "tool from image word
/work
33"
pack "$work/oci/oci.tar"
check archive cmp "$work/app.enc" "$work/layout.enc"
pack "$work/oci/docker.tar"
check docker-archive cmp "$work/app.enc" "$work/layout.enc"
gzip -k "$work/oci/docker.tar"
pack "$work/oci/docker.tar.gz"
check compressed-archive cmp "$work/app.enc" "$work/layout.enc"

# skopeo's "dir:": the manifest and the blobs in one directory.
python3 - "$work/oci/layout" "$work/oci/flat" <<'END'
import json, shutil, sys
layout, flat = sys.argv[1:]
blobs = layout + "/blobs/sha256/"
shutil.copytree(blobs, flat)
at = layout + "/index.json"
while "layers" not in json.load(open(at)):
    entry = [m for m in json.load(open(at))["manifests"]
             if m.get("platform", {}).get("architecture", "amd64") == "amd64"]
    at = blobs + entry[0]["digest"][7:]
shutil.copy(at, flat + "/manifest.json")
open(flat + "/version", "w").write("Directory Transport Version: 1.1\n")
END
pack "$work/oci/flat"
check flat-directory cmp "$work/app.enc" "$work/layout.enc"
for blob in "$work"/oci/flat/????????????*[0-9a-f]; do
    case $blob in *.json) continue ;; esac
    echo more >>"$blob"
done
pack "$work/oci/flat"
check flat-damaged both 'status_is 125' 'err_has "another content"'

# Several images under one roof, named as podman and docker name them.
cp -r "$work/oci/layout" "$work/oci/two"
python3 - "$work/oci/two" "$work/oci/docker.tar" "$work/oci/two.tar" <<'END'
import io, json, sys, tarfile
two, docker, out = sys.argv[1:]
name = "org.opencontainers.image.ref.name"
index = json.load(open(two + "/index.json"))
entry = index["manifests"][0]
other = dict(entry, digest="sha256:" + "0" * 64)
index["manifests"] = [dict(other, annotations={name: "old"}),
                      dict(entry, annotations={name: "example.org/w:new"})]
json.dump(index, open(two + "/index.json", "w"))
with tarfile.open(docker) as old, tarfile.open(out, "w") as new:
    for m in old:
        data = old.extractfile(m).read() if m.isfile() else b""
        if m.name == "manifest.json":
            first = json.loads(data)[0]
            data = json.dumps([dict(first, Layers=[], RepoTags=["w:old"]),
                               dict(first, RepoTags=["w:new", "w:n"])]).encode()
            m.size = len(data)
        new.addfile(m, io.BytesIO(data))
END
pack "$work/oci/two"
check several-images both 'status_is 125' \
    'err_has "several images; --tag says which: old, example.org/w:new"'
pack "$work/oci/two" --tag w:new
check tag cmp "$work/app.enc" "$work/layout.enc"
pack "$work/oci/two.tar" --tag n
check tag-of-docker cmp "$work/app.enc" "$work/layout.enc"
pack "$work/oci/two.tar" --tag ew
check no-such-tag both 'status_is 125' 'err_has "two.tar has no image"' \
    'err_has "w:old, w:new, w:n"' '[ ! -e "$work/app.enc" ]'

# The same bundle at any time, whatever the umask.
pack "$work/oci/bare"
cp "$work/app.enc" "$work/bare.enc"
sleep 0.1
(umask 077 && pack "$work/oci/bare")
check directories-that-no-layer-has cmp "$work/app.enc" "$work/bare.enc"

pack "$work/oci/cwd"
run "$work/app.enc"
check directory-that-no-layer-has out_is "tool from image word
/srv/app/data
33"
cp "$work/app.enc" "$work/cwd.enc"
pack "$work/oci/cwd"
check made-directory-is-the-same cmp "$work/app.enc" "$work/cwd.enc"

ours inspect --json "$work/layout.enc"
cat >"$work/tree.py" <<'END'
import json
import sys
files = {f["path"]: f for f in json.load(open(sys.argv[1]))["files"]}
for path in ("/gone", "/dir/old", "/opaque/old", "/opaque/deep",
             "/becomes-file/x"):
    assert path not in files, path
for path in ("/kept", "/dir/new", "/opaque/new", "/becomes-dir/y", "/bin/tool",
             "/hard2"):
    assert path in files, path
assert not [p for p in files if ".wh." in p]
assert files["/becomes-file"]["mode"] == "100644"
assert files["/usr/bin"]["link"] == "../bin"
assert files["/work"]["mode"] == "040700"
assert len([p for p in files if p.startswith("/long") and
            p.endswith(("f" * 120, "f2"))]) == 2
if sys.argv[2] == "0":
    f = files["/owned"]
    assert (f["uid"], f["gid"], f["mode"]) == (12, 34, "104750"), f
END
check tree python3 "$work/tree.py" "$work/out" "$(id -u)"

echo '{"entry": {"uid": 0, "gid": 0, "default_args": ["other"]},
       "env": {"set": {"X": "policy"}}}' >"$work/p.json"
pack "$work/oci/layout" --policy "$work/p.json"
run "$work/app.enc"
check policy-over-image out_is "tool policy other
/work
0"

# ---- harm ----

pack "$work/oci/evil"
check links-stay-inside both '[ "$(ls "$work/oci/outside")" = precious ]' \
    '[ "$(cat "$work/oci/outside/precious")" = precious ]'
pack "$work/oci/dots"
check dots both 'status_is 125' 'err_has "leaves the tree"' \
    '[ ! -e "$work/app.enc" ]'
pack "$work/oci/hard"
check hard-link-outside both 'status_is 125' '[ ! -e "$work/app.enc" ]'
pack "$work/oci/arm"
check other-machine both 'status_is 125' 'err_has amd64'
pack "$work/oci/words"
check command-is-no-list both 'status_is 125' 'err_has "list of strings"'
pack "$work/oci/bad"
check damaged-layer both 'status_is 125' 'err_has "another content"'
pack "$work/oci/cut"
check cut-layer both 'status_is 125' 'err_has "too early"'
rm -r "$work/oci/layout/blobs"
pack "$work/oci/layout"
check no-blobs both 'status_is 125' 'err_has "blobs"'
