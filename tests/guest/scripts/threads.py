import threading, queue, hashlib

results = {}
lock = threading.Lock()
work = queue.Queue()
for n in range(200):
    work.put(n)

def worker():
    while True:
        try:
            n = work.get_nowait()
        except queue.Empty:
            return
        digest = hashlib.sha256(str(n).encode() * 1000).hexdigest()
        with lock:
            results[n] = digest

threads = [threading.Thread(target=worker) for _ in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(len(results), hashlib.md5("".join(results[n] for n in sorted(results)).encode()).hexdigest())

event = threading.Event()
def waiter():
    print("waited", event.wait(10))
t = threading.Thread(target=waiter)
t.start()
threading.Timer(0.05, event.set).start()
t.join()
barrier = threading.Barrier(8)
count = [0]
def meet():
    for _ in range(20):
        barrier.wait()
        with lock:
            count[0] += 1
ts = [threading.Thread(target=meet) for _ in range(8)]
[t.start() for t in ts]
[t.join() for t in ts]
print(count[0])
