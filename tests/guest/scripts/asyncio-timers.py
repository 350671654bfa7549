# SPDX-License-Identifier: MIT
# asyncio: timers in order, a timeout, a queue between tasks, a thread's result.
import asyncio


async def sleeper(n):
    await asyncio.sleep(0.02 * (10 - n))
    print(n)
    return n


async def give_up():
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.05)
    except asyncio.TimeoutError:
        print("timeout")


async def queue():
    q = asyncio.Queue(10)

    async def fill():
        for i in range(1000):
            await q.put(i)

    async def empty():
        return sum([await q.get() for _ in range(1000)])

    return (await asyncio.gather(fill(), empty()))[1]


async def main():
    print(await asyncio.gather(*(sleeper(i) for i in range(10))))
    await give_up()
    print(await queue())
    loop = asyncio.get_running_loop()
    later = loop.create_future()
    loop.call_later(0.02, later.set_result, 7)
    print(await later, await loop.run_in_executor(None, sum, range(1000)))


asyncio.run(main())
