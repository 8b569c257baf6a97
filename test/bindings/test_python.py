#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Python binding of examples/python: test_python.py PROJECT"""
import asyncio
import gc
import sys
import threading
import time
import unittest
import weakref

from binding_case import BIAS, SHAPES, WEIGHT, dense, dense_model

import cachedop
import numpy as np

RANDOM = np.random.default_rng(7)


def floats(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def dense_op(batch=2, **options):
    with cachedop.Model.from_bytes(dense_model()) as model:
        return cachedop.CachedOp(model, dims={"batch": batch}, **options)


def slow_op():
    """A call takes some tenths of a second."""
    with cachedop.Model(SHAPES) as model:
        return cachedop.CachedOp(model, device="ref", shapes={"data": (48, 3, 48, 48)})


SLOW_SHAPE = (48, 3, 48, 48)


class Calls(unittest.TestCase):
    def test_outputs_are_what_numpy_computes(self):
        left, right = floats(2, 8), floats(2, 8)
        sums, scores = dense_op()([left, right])
        np.testing.assert_array_equal(sums, dense(left, right)[0])
        np.testing.assert_allclose(scores, dense(left, right)[1], rtol=1e-5, atol=1e-6)

    def test_inputs_go_by_name_and_outputs_can_be_chosen(self):
        left, right = floats(2, 8), floats(2, 8)
        scores = dense_op()({"right": right, "left": left}, outputs=["scores"])
        np.testing.assert_allclose(scores, dense(left, right)[1], rtol=1e-5, atol=1e-6)
        scores, sums = dense_op()([left, right], outputs=[1, "sums"])
        self.assertEqual((scores.shape, sums.shape), ((2, 5), (2, 8)))

    def test_internal_values_become_outputs(self):
        left = floats(2, 8)
        op = dense_op(extra_outputs=["product"])
        product = op([left, left], outputs=["product"])
        np.testing.assert_allclose(product, 2 * left @ WEIGHT + BIAS, rtol=1e-5, atol=1e-5)

    def test_constants_are_no_inputs(self):
        left, right = floats(2, 8), floats(2, 8)
        op = dense_op(constants={"right": right})
        self.assertEqual([tensor.name for tensor in op.inputs], ["left"])
        np.testing.assert_array_equal(op(left)[0], left + right)

    def test_outputs_are_written_in_place(self):
        left, op = floats(2, 8), dense_op()
        sums, scores = np.zeros((2, 8), np.float32), cachedop.NDArray.zeros((2, 5))
        results = op.invoke([left, left], out=[sums, scores])
        np.testing.assert_array_equal(sums, 2 * left)
        self.assertIs(results[1], scores)
        self.assertTrue(np.shares_memory(results[0].numpy(), sums))
        np.testing.assert_array_equal(op.invoke([left, left], out=[None, scores])[0].numpy(), 2 * left)

    def test_models_and_operators_describe_themselves(self):
        model = cachedop.Model.from_bytes(dense_model())
        self.assertEqual([(t.name, t.dtype, t.shape) for t in model.inputs],
                         [("left", "float32", (-1, 8)), ("right", "float32", (-1, 8))])
        self.assertEqual([t.name for t in model.outputs], ["sums", "scores"])
        self.assertEqual(sorted(t.name for t in model.parameters), ["bias", "weight"])
        op = cachedop.CachedOp(model, dims={"batch": 3})
        self.assertEqual(op.outputs[1].shape, (3, 5))
        self.assertIn("step", op.plan())
        self.assertTrue(op.plan("json").startswith("{"))
        op([floats(3, 8)] * 2)
        self.assertEqual(op.stats()["invocations"], 1)

    def test_another_batch_on_the_same_weights(self):
        op = dense_op()
        larger = op.reshape({"left": (7, 8), "right": (7, 8)})
        left = floats(7, 8)
        np.testing.assert_array_equal(larger([left, left])[0], 2 * left)
        self.assertEqual(op.outputs[0].shape, (2, 8))

    def test_contexts_are_made_and_freed(self):
        op = dense_op(max_contexts=3)
        op.warm_up(3)
        self.assertEqual(op.stats()["contexts"], 3)
        self.assertGreater(op.trim(), 0)
        self.assertEqual(op.stats()["contexts"], 0)

    def test_new_weights_are_used_by_the_next_call(self):
        model = cachedop.Model.from_bytes(dense_model())
        op, left, weight = cachedop.CachedOp(model, dims={"batch": 2}), floats(2, 8), floats(8, 5)
        op([left, left])
        model.update_weights({"weight": weight})
        np.testing.assert_allclose(op([left, left])[1], dense(left, left, weight)[1], rtol=1e-5, atol=1e-5)
        with self.assertRaises(cachedop.NotFound):
            model.update_weights({"wait": weight})

    def test_eight_threads_get_the_same_bits(self):
        with cachedop.Model(SHAPES) as model:
            op = cachedop.CachedOp(model)
        pictures = [floats(1, 3, 48, 48) for _ in range(8)]
        expected = [op(picture).copy() for picture in pictures]
        wrong = []

        def run(first):
            for i in range(200):
                picture = (first + i) % 8
                if op(pictures[picture]).tobytes() != expected[picture].tobytes():
                    wrong.append(picture)

        threads = [threading.Thread(target=run, args=[i]) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(op.stats()["invocations"], 8 + 8 * 200)

    def test_another_thread_runs_python_during_a_call(self):
        op, data, steps, over = slow_op(), floats(*SLOW_SHAPE), [0], threading.Event()

        def count():
            while not over.is_set():
                steps[0] += 1
                time.sleep(0.0005)

        thread = threading.Thread(target=count)
        thread.start()
        begun, before = time.monotonic(), steps[0]
        op(data)
        during, seconds = steps[0] - before, time.monotonic() - begun
        over.set()
        thread.join()
        self.assertGreater(during, 5, f"in {seconds} s")


class Arrays(unittest.TestCase):
    def test_memory_is_shared_and_not_copied(self):
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        wrapped = cachedop.NDArray(array)
        view = wrapped.numpy()
        self.assertTrue(np.shares_memory(view, array))
        view[0, 0] = 9
        self.assertEqual(array[0, 0], 9)
        self.assertEqual((wrapped.shape, wrapped.dtype), ((2, 3), "float32"))

    def test_a_view_keeps_the_memory_of_the_library(self):
        left = floats(2, 8)
        result = dense_op().invoke([left, left])[0]
        view = result.numpy()
        result.close()
        gc.collect()
        dense_op()([floats(2, 8)] * 2)  # would use the memory again
        np.testing.assert_array_equal(view, 2 * left)

    def test_views_of_a_part(self):
        array = cachedop.NDArray.zeros((4, 8))
        row = array.view((8,), offset_bytes=64)
        row.numpy()[:] = 5
        np.testing.assert_array_equal(array.numpy()[2], np.full(8, 5))
        array.close()
        self.assertEqual(row.numpy()[0], 5)
        with self.assertRaisesRegex(cachedop.InvalidArgument, "outside|reach"):
            row.view((9,))

    def test_every_element_type_goes_there_and_back(self):
        for name in ("float32", "float64", "float16", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
                     "uint64", "bool"):
            array = np.ones((3,), name)
            self.assertEqual(cachedop.NDArray(array).dtype, name)
            self.assertEqual(cachedop.NDArray(array).numpy().dtype, array.dtype)
        bits = cachedop.NDArray(np.array([0x3f80], np.uint16), dtype="bfloat16")
        self.assertEqual((bits.dtype, bits.numpy()[0]), ("bfloat16", 0x3f80))

    def test_scalars_and_arrays_of_nothing(self):
        self.assertEqual(cachedop.NDArray(np.array(3.0)).numpy()[()], 3)
        self.assertEqual(cachedop.NDArray(np.zeros((0, 4), np.int8)).numpy().shape, (0, 4))
        self.assertEqual(cachedop.NDArray.zeros((0,)).numpy().size, 0)

    def test_elements_are_copied_between_arrays(self):
        source, target = floats(2, 3), cachedop.NDArray.zeros((2, 3))
        cachedop.NDArray(source).copy_to(target)
        np.testing.assert_array_equal(target.numpy(), source)

    def test_what_would_need_a_copy_is_refused(self):
        op, left = dense_op(), floats(2, 16)[:, ::2]
        for array in (left, np.asfortranarray(floats(2, 8)), floats(4, 8)[::2]):
            with self.assertRaisesRegex(ValueError, "ascontiguousarray"):
                op([array, array])
        copied = np.ascontiguousarray(left)
        np.testing.assert_array_equal(op([copied, copied])[0], 2 * left)
        with self.assertRaises(TypeError):
            op([left.astype(">f4"), left])
        for value in ([[1.0] * 8] * 2, 1.0, None, "left"):
            with self.assertRaises((TypeError, cachedop.InvalidArgument)):
                op([value, value])
        with self.assertRaises(TypeError):
            cachedop.NDArray(np.array([1 + 2j]))
        with self.assertRaises(TypeError):
            cachedop.NDArray(np.zeros(2, np.int32), dtype="float32")

    def test_what_is_read_only_is_read_but_not_written(self):
        op, left, scores = dense_op(), floats(2, 8), np.zeros((2, 5), np.float32)
        left.flags.writeable = scores.flags.writeable = False
        op([left, left])
        with self.assertRaisesRegex(ValueError, "read-only"):
            op.invoke([left, left], out=[None, scores])
        with self.assertRaisesRegex(ValueError, "read-only"):
            op.invoke([left, left], out=[None, cachedop.NDArray(scores).view((2, 5))])
        self.assertFalse(cachedop.NDArray(left).numpy().flags.writeable)

    def test_misaligned_memory_is_refused(self):
        array = np.frombuffer(bytes(33), np.uint8)[1:].view(np.float32)
        with self.assertRaisesRegex(cachedop.InvalidArgument, "align"):
            cachedop.NDArray(array)


class Mistakes(unittest.TestCase):
    def test_each_status_is_a_class_with_the_text_of_the_library(self):
        with self.assertRaisesRegex(cachedop.NotFound, "/nonexistent.onnx") as caught:
            cachedop.Model("/nonexistent.onnx")
        self.assertEqual(caught.exception.status, "NOT_FOUND")
        for name, also in (("InvalidArgument", ValueError), ("OutOfMemory", MemoryError), ("NotFound", LookupError),
                           ("Io", OSError), ("Timeout", TimeoutError), ("Busy", Exception), ("Internal", Exception)):
            self.assertTrue(issubclass(getattr(cachedop, name), (cachedop.Error,)), name)
            self.assertTrue(issubclass(getattr(cachedop, name), also), name)

    def test_broken_models_are_refused(self):
        for graph in (b"", b"nonsense", dense_model()[:-40]):
            with self.assertRaises(cachedop.Error):
                cachedop.Model.from_bytes(graph)

    def test_wrong_shapes_types_names_and_counts_are_refused(self):
        op, left = dense_op(), floats(2, 8)
        for inputs in ([left], [left, left, left], [left, floats(2, 9)], [left, floats(8)], [left, left.astype(np.float64)],
                       {"left": left}, {"left": left, "wrong": left}, []):
            with self.assertRaises(cachedop.InvalidArgument):
                op(inputs)
        for out in ([None], [floats(2, 8), floats(2, 6)], [left, None], [None, None, None]):
            with self.assertRaises(cachedop.InvalidArgument):
                op.invoke([left, left], out=out)
        for outputs, error in ((["score"], cachedop.NotFound), ([2], cachedop.InvalidArgument), ([], cachedop.InvalidArgument),
                               ([-1], cachedop.InvalidArgument), ([0, 0], cachedop.InvalidArgument)):
            with self.assertRaises(error):
                op.invoke([left, left], outputs=outputs)

    def test_wrong_options_are_refused(self):
        model = cachedop.Model.from_bytes(dense_model())
        for options, error in (({"max_context": 1}, TypeError), ({"max_contexts": 2**40}, OverflowError),
                               ({"max_contexts": "many"}, TypeError), ({"tuning": "fastest"}, ValueError),
                               ({"device": "tpu"}, ValueError), ({"dims": {"batches": 2}}, cachedop.InvalidArgument),
                               ({"device": "cpu:3"}, cachedop.NotFound), ({"shapes": {"left": (1,) * 9}}, ValueError)):
            with self.assertRaises(error):
                cachedop.CachedOp(model, **options)
        with self.assertRaises(TypeError):
            cachedop.Model(SHAPES, formatted="onnx")
        with self.assertRaises(cachedop.InvalidArgument):
            cachedop.set_worker_threads(-1)

    def test_what_is_closed_is_not_used(self):
        op, left = dense_op(), floats(2, 8)
        array, model, token = cachedop.NDArray(left), cachedop.Model(SHAPES), cachedop.Cancel()
        queue = cachedop.CompletionQueue()
        for thing in (op, array, model, token, queue):
            with thing:
                pass
            thing.close()
        for use in (lambda: op([left, left]), array.numpy, lambda: array.shape, array.wait, token.request, queue.fileno,
                    lambda: cachedop.CachedOp(model), lambda: model.parameters, lambda: dense_op()([array, left]), op.stats,
                    lambda: dense_op().invoke([left, left], cancel=token), lambda: list(queue)):
            with self.assertRaisesRegex(ValueError, "closed"):
                use()

    def test_closing_an_operator_that_another_thread_runs(self):
        op, data, results = slow_op(), floats(*SLOW_SHAPE), []
        expected = op(data).copy()
        thread = threading.Thread(target=lambda: results.append(op(data)))
        thread.start()
        while op.stats()["in_flight"] + op.stats()["invocations"] < 2:
            time.sleep(0.001)
        op.close()
        thread.join()
        np.testing.assert_array_equal(results[0], expected)

    def test_deadlines_and_tokens_end_calls(self):
        op, data, token = slow_op(), floats(*SLOW_SHAPE), cachedop.Cancel()
        with self.assertRaises(cachedop.Timeout):
            op(data, timeout=0.02)
        token.request()
        with self.assertRaises(cachedop.Cancelled):
            op(data, cancel=token)


class Asynchronous(unittest.TestCase):
    def setUp(self):
        cachedop.set_worker_threads(2)
        self.addCleanup(cachedop.set_worker_threads, 2)

    def test_results_are_waited_for(self):
        op, left = dense_op(), floats(2, 8)
        results = [op.invoke_async([left, left])[0] for _ in range(50)]
        for result in results:
            np.testing.assert_array_equal(result.numpy(timeout=60), 2 * left)

    def test_calls_that_share_arrays_go_one_after_the_other(self):
        op, left, right = dense_op(), cachedop.NDArray(floats(2, 8)), floats(2, 8)
        first, _ = op.invoke_async([left, right])
        second, _ = op.invoke_async([first, right], priority="high")
        np.testing.assert_allclose(second.numpy(), left.numpy() + 2 * right, rtol=1e-6)

    def test_arrays_live_until_the_work_is_done(self):
        """With no worker nothing runs before the wait."""
        cachedop.set_worker_threads(0)
        op, left, sums = dense_op(), floats(2, 8), np.zeros((2, 8), np.float32)
        expected, watched = 2 * left, [weakref.ref(left), weakref.ref(sums)]
        memory = np.asarray(memoryview(sums))  # sees the result, and keeps the array: dropped for the second round
        op.invoke_async([left, left], out=[sums, None])
        del left, sums, op
        gc.collect()
        self.assertIsNotNone(watched[0]())
        cachedop.wait_all()
        gc.collect()
        np.testing.assert_array_equal(memory, expected)
        del memory
        gc.collect()
        self.assertEqual([ref() for ref in watched], [None, None])

    def test_outputs_that_nobody_holds_are_written_and_dropped(self):
        cachedop.set_worker_threads(0)
        op, watched = dense_op(), []
        for _ in range(20):
            left, sums = floats(2, 8), np.zeros((2, 8), np.float32)
            watched += [weakref.ref(left), weakref.ref(sums)]
            op.invoke_async([left, left], out=[sums, None])
        del left, sums
        gc.collect()
        self.assertEqual(sum(ref() is None for ref in watched), 0)
        cachedop.wait_all(op)
        self.assertEqual(sum(ref() is not None for ref in watched), 0)

    def test_a_wait_ends_by_timeout_and_token_and_the_work_goes_on(self):
        cachedop.set_worker_threads(0)
        op, data, token = slow_op(), floats(*SLOW_SHAPE), cachedop.Cancel()
        result, = op.invoke_async(data)
        with self.assertRaisesRegex(cachedop.Timeout, "^wait:"):
            result.wait(timeout=0)
        token.request()
        with self.assertRaisesRegex(cachedop.Cancelled, "^wait:"):
            result.wait(cancel=token)
        self.assertEqual(result.numpy().shape, (48, 12))

    def test_every_wait_tells_why_it_failed(self):
        op, data, token = slow_op(), floats(*SLOW_SHAPE), cachedop.Cancel()
        result, = op.invoke_async(data, cancel=token)
        token.request()
        for _ in range(2):
            with self.assertRaises(cachedop.Cancelled):
                result.numpy()
        with self.assertRaises(cachedop.Cancelled):
            op.invoke(data, out=None, cancel=token)

    def test_calls_that_are_refused_keep_nothing(self):
        op, left = dense_op(), floats(2, 9)
        watched = weakref.ref(left)
        with self.assertRaises(cachedop.InvalidArgument):
            op.invoke_async([left, left])
        del left
        gc.collect()
        self.assertIsNone(watched())

    def test_an_event_loop_is_told(self):
        op, pictures = dense_op(), [floats(2, 8) for _ in range(30)]

        async def all_of_them():
            loop, queue = asyncio.get_running_loop(), cachedop.CompletionQueue()

            def take():
                for future, error in queue:
                    future.set_exception(error) if error else future.set_result(None)

            async def add(left):
                future = loop.create_future()
                result, _ = op.invoke_async([left, left], completions=queue, user=future)
                await future
                return result.numpy(timeout=0)

            loop.add_reader(queue, take)
            results = await asyncio.gather(*map(add, pictures))
            token = cachedop.Cancel()
            token.request()
            failed = loop.create_future()
            op.invoke_async([pictures[0]] * 2, completions=queue, user=failed, cancel=token)
            with self.assertRaises(cachedop.Cancelled):
                await failed
            loop.remove_reader(queue)
            return results

        for left, result in zip(pictures, asyncio.run(all_of_them())):
            np.testing.assert_array_equal(result, 2 * left)

    def test_many_threads_drop_everything_while_work_is_pending(self):
        op, wrong = dense_op(), []

        def run():
            for _ in range(100):
                left = floats_of.standard_normal((2, 8)).astype(np.float32)
                result = op.invoke_async([left, left])[0]
                expected = 2 * left
                op.invoke_async([left, left], out=[np.zeros((2, 8), np.float32), None])
                del left
                if not np.array_equal(result.numpy(), expected):
                    wrong.append(expected)

        floats_of = np.random.default_rng(3)
        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cachedop.wait_all()
        self.assertEqual(wrong, [])


class Leaks(unittest.TestCase):
    def test_nothing_of_the_library_is_left(self):
        """The operators' weights, the arrays and the queue of asynchronous calls; what stays is the first round's."""
        def round_():
            op, left = dense_op(), floats(2, 8)
            for _ in range(20):
                op([left, left])
                op.invoke_async([left, left])
                with self.assertRaises(cachedop.Error):
                    op([left, floats(2, 9)])
            cachedop.wait_all()
            op.reshape({"left": (3, 8), "right": (3, 8)})
            op.plan()

        bytes_ = []
        for _ in range(6):
            round_()
            gc.collect()
            until = time.monotonic() + 10  # threads of the library may be about to drop something
            while cachedop.stats()["worker_threads"] and time.monotonic() < until:
                time.sleep(0.005)
            cachedop.wait_all()
            bytes_.append(cachedop.stats()["live_bytes"])
        self.assertLessEqual(bytes_[-1], bytes_[1], bytes_)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
