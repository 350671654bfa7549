import os, stat, tempfile, shutil

d = tempfile.mkdtemp(dir="/tmp")
p = os.path.join(d, "file")
with open(p, "w+b") as f:
    f.write(b"0123456789" * 1000)
    f.seek(5)
    print(f.read(10), f.tell())
    f.truncate(100)
    f.seek(0, 2)
    print(f.tell(), os.fstat(f.fileno()).st_size)
os.chmod(p, 0o600)
print(oct(stat.S_IMODE(os.stat(p).st_mode)))
os.link(p, p + ".hard")
os.symlink("file", p + ".soft")
print(sorted(os.listdir(d)), os.stat(p).st_nlink, os.readlink(p + ".soft"))
os.rename(p, p + ".new")
try:
    os.stat(p)
except OSError as e:
    print(e.errno, e.strerror)
try:
    open(p + ".soft")
except OSError as e:
    print(e.errno)
os.makedirs(os.path.join(d, "x/y/z"))
for root, dirs, files in os.walk(d):
    print(root[len(d):], sorted(dirs), sorted(files))
try:
    os.rmdir(os.path.join(d, "x"))
except OSError as e:
    print(e.errno)
shutil.rmtree(d)
print(os.path.exists(d))
r, w = os.pipe()
os.write(w, b"through a pipe")
os.close(w)
print(os.read(r, 100), os.read(r, 100))
print(os.getcwd(), os.access("/bin/busybox", os.X_OK), os.access("/nope", os.F_OK))
try:
    open("/data", "w")
except OSError as e:
    print(e.errno)

