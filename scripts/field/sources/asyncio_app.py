import asyncio, logging, time, warnings, sys, gc
logging.basicConfig(level=logging.DEBUG, format="%(levelname)s:%(name)s:%(message)s")
async def slow(): time.sleep(0.15)
async def fails(): await asyncio.sleep(0.01); raise TimeoutError("db")
async def main():
    t = asyncio.create_task(fails()); await asyncio.sleep(0.02); del t; gc.collect()
    await slow()
    warnings.warn("the old way", DeprecationWarning, stacklevel=1)
    fails()
    gc.collect()
    async with asyncio.TaskGroup() as g:
        g.create_task(fails()); g.create_task(fails())
warnings.simplefilter("always")
asyncio.run(main(), debug=True)
