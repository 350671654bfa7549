import sys, traceback

def inner(d):
    return d["missing"]

try:
    inner({})
except KeyError:
    traceback.print_exc(file=sys.stdout)
print("now for real", flush=True)
inner({})
