// SPDX-License-Identifier: Apache-2.0
/**
 * Arrays: dense, row-major, of one element type, in memory of the process or of a GPU.
 *
 * A handle points to a view of memory that other handles may share: slices, rows, reshaped and
 * detached arrays see each other's writes, and the memory lives as long as one of them and all work
 * on it. A none array is a handle without memory, which a call that makes arrays fills.
 *
 * Work on arrays runs in the order of the calls; a call that looks at elements waits for what was
 * asked before. Work that failed behind a call leaves its error on the arrays it should have
 * written: every wait and copy of them returns it, in any thread, until they are written again.
 *
 * Numbers: element types 0 float32, 1 float64, 2 float16, 3 uint8, 4 int32, 5 int8, 6 int64,
 * 7 bool, 8 int16, 9 uint16, 10 uint32, 11 uint64, 12 bfloat16; devices 1 cpu, 2 gpu, 3 cpu_pinned,
 * 5 cpu_shared; storage 0 dense, -1 none. At most 8 dimensions and 2^31 - 2 elements.
 *
 * Thread-safety: any number of threads may use one array, a none array once it is filled. Free it
 * when no call with that handle runs.
 */
#ifndef MXNET_C_API_NDARRAY_H_
#define MXNET_C_API_NDARRAY_H_

#include <mxnet/c_api/base.h>

/** Makes a none array. */
MXNET_DLL int MXNDArrayCreateNone(NDArrayHandle *out);

/**
 * Makes an array, its elements zero.
 *
 * @param shape        `ndim` dimensions; may be NULL when ndim is 0: one element
 * @param dev_id       -1 is 0; of a CPU only a name, which must agree among the inputs of a call
 * @param delay_alloc  not 0: memory is made when it is first needed
 * @param out          receives the caller's handle; untouched on failure
 * @return -1: no such device type or element type, too many elements or dimensions, a negative
 *         dimension; of what is not delayed also: no such GPU, no memory
 */
MXNET_DLL int MXNDArrayCreateEx(const uint32_t *shape, uint32_t ndim, int dev_type, int dev_id,
                                int delay_alloc, int dtype, NDArrayHandle *out);

/** The same for float32. */
MXNET_DLL int MXNDArrayCreate(const uint32_t *shape, uint32_t ndim, int dev_type, int dev_id,
                              int delay_alloc, NDArrayHandle *out);

/** The same with 64-bit dimensions. */
MXNET_DLL int MXNDArrayCreateEx64(const int64_t *shape, int ndim, int dev_type, int dev_id,
                                  int delay_alloc, int dtype, NDArrayHandle *out);

/** Gives a handle back; accepts NULL. Never waits: pending work keeps the memory. */
MXNET_DLL int MXNDArrayFree(NDArrayHandle handle);

/**
 * The dimensions, known as soon as the call that made the array returned. Of a none array
 * `*out_dim` is 0, or -1 where shapes are numpy's, and `*out_pdata` stays as it is.
 *
 * @param out_pdata  receives `*out_dim` dimensions, the thread's until it asks for another shape
 */
MXNET_DLL int MXNDArrayGetShapeEx(NDArrayHandle handle, int *out_dim, const int **out_pdata);

/** The same with 64-bit dimensions. */
MXNET_DLL int MXNDArrayGetShapeEx64(NDArrayHandle handle, int *out_dim, const int64_t **out_pdata);

/** The same; 0 for a none array always. */
MXNET_DLL int MXNDArrayGetShape(NDArrayHandle handle, uint32_t *out_dim,
                                const uint32_t **out_pdata);

/** The element type; -1 of a none array. */
MXNET_DLL int MXNDArrayGetDType(NDArrayHandle handle, int *out_dtype);

/** The device; (0, 0) of a none array. */
MXNET_DLL int MXNDArrayGetContext(NDArrayHandle handle, int *out_dev_type, int *out_dev_id);

/** 0; -1 of a none array. */
MXNET_DLL int MXNDArrayGetStorageType(NDArrayHandle handle, int *out_storage_type);

/**
 * The address of the first element, the device's for an array of a GPU; valid while the array
 * lives. Does not wait: wait before you read (MXNDArrayWaitToRead) or write (MXNDArrayWaitToWrite).
 * NULL for a none array and for 0 elements.
 *
 * Who has the address may write at any time, so such an array is looked through at each call that
 * takes it as a parameter: MXNDArraySyncCopyFromCPU writes without that cost.
 */
MXNET_DLL int MXNDArrayGetData(NDArrayHandle handle, void **out_pdata);

/**
 * Copies elements from memory of the process, after all earlier work that reads or writes the
 * array. They are there when it returns.
 *
 * @param data  `size` elements of the array's type, at any address; NULL only for 0 elements
 * @param size  elements, not bytes: exactly the array's
 */
MXNET_DLL int MXNDArraySyncCopyFromCPU(NDArrayHandle handle, const void *data, size_t size);

/** Copies elements to memory of the process, after all earlier work that writes the array. */
MXNET_DLL int MXNDArraySyncCopyToCPU(NDArrayHandle handle, void *data, size_t size);

/**
 * Copies all elements of one array to another, between any devices and element types:
 * floating-point numbers are rounded to the nearest, on the way to integers cut towards zero and to
 * the type's range; of integers the high bits are dropped. The shapes may differ, not the number of
 * elements.
 *
 * @param i  -1; the parts of sparse arrays that other numbers mean do not exist here
 */
MXNET_DLL int MXNDArraySyncCopyFromNDArray(NDArrayHandle handle_dst, const NDArrayHandle handle_src,
                                           const int i);

/** Waits for the earlier work that writes the array; at once for a none array. -1: it failed. */
MXNET_DLL int MXNDArrayWaitToRead(NDArrayHandle handle);

/** Waits for the earlier work that reads or writes the array. -1: what writes it failed. */
MXNET_DLL int MXNDArrayWaitToWrite(NDArrayHandle handle);

/** Waits for all work of the process that was asked for before. -1: the first failure that an array
 * still holds. */
MXNET_DLL int MXNDArrayWaitAll(void);

/**
 * Makes a view of another shape.
 *
 * @param dims  0 is the dimension at the same place, -1 (at most once) what is left over. Fewer
 *              elements than the array has are its first ones, unless shapes are numpy's
 * @return -1: a none array, more elements than it has, a dimension that means nothing
 */
MXNET_DLL int MXNDArrayReshape(NDArrayHandle handle, int ndim, int *dims, NDArrayHandle *out);

/**
 * The same with the codes of the operator Reshape, which go through the dimensions in order: 0
 * copies one, -1 (at most once) replaces one by what is left over, -2 copies all that remain, -3
 * multiplies two, -4 splits one into the two numbers that follow (one may be -1), any other number
 * replaces one. `reverse` reads the array's dimensions and the codes from their ends.
 */
MXNET_DLL int MXNDArrayReshape64(NDArrayHandle handle, int ndim, dim_t *dims, bool reverse,
                                 NDArrayHandle *out);

/** Makes a view of the rows from `slice_begin` to before `slice_end` of the first dimension; none
 * where both are one. -1: a none array, or rows that it does not have. */
MXNET_DLL int MXNDArraySlice(NDArrayHandle handle, uint32_t slice_begin, uint32_t slice_end,
                             NDArrayHandle *out);

MXNET_DLL int MXNDArraySlice64(NDArrayHandle handle, int64_t slice_begin, int64_t slice_end,
                               NDArrayHandle *out);

/** Makes a view of one row, without the first dimension; of a vector with shape (1), or () where
 * shapes are numpy's. */
MXNET_DLL int MXNDArrayAt(NDArrayHandle handle, uint32_t idx, NDArrayHandle *out);

MXNET_DLL int MXNDArrayAt64(NDArrayHandle handle, int64_t idx, NDArrayHandle *out);

/** Makes another handle of the same array; of a none array a none array. */
MXNET_DLL int MXNDArrayDetach(NDArrayHandle handle, NDArrayHandle *out);

/** The same. */
MXNET_DLL int MXShallowCopyNDArray(NDArrayHandle src, NDArrayHandle *out);

/** NULL: there are no gradients. */
MXNET_DLL int MXNDArrayGetGrad(NDArrayHandle handle, NDArrayHandle *out);

/**
 * Reads a list of arrays, such as a `.params` file: MXNet's formats of all versions, dense arrays.
 * They lie on the CPU, wherever they were saved.
 *
 * @param fname          a path, or one behind `file://`
 * @param out_arr        receives `*out_size` handles, which are the caller's; the list itself is
 *                       the thread's until it asks for another one
 * @param out_name_size  as many as arrays, or 0: they have no names
 * @param out_names      the thread's until it asks for other texts
 * @return -1 with the file and the byte: it cannot be read, is damaged, or has sparse arrays. The
 *         results are then untouched
 */
MXNET_DLL int MXNDArrayLoad(const char *fname, uint32_t *out_size, NDArrayHandle **out_arr,
                            uint32_t *out_name_size, const char ***out_names);

/** The same from memory, which is not needed any more when it returns. */
MXNET_DLL int MXNDArrayLoadFromBuffer(const void *ndarray_buffer, size_t size, uint32_t *out_size,
                                      NDArrayHandle **out_arr, uint32_t *out_name_size,
                                      const char ***out_names);

/**
 * Writes a list of arrays, as MXNet 1.9.1 does: version 2 of the format, 3 where shapes are numpy's
 * and for arrays without dimensions. The file appears, or is replaced, as a whole.
 *
 * @param fname  as in MXNDArrayLoad; a regular file, if there is one
 * @param keys   NULL, or a name for each array
 */
MXNET_DLL int MXNDArraySave(const char *fname, uint32_t num_args, NDArrayHandle *args,
                            const char **keys);

/** Makes an array of one record of a list. */
MXNET_DLL int MXNDArrayLoadFromRawBytes(const void *buf, size_t size, NDArrayHandle *out);

/** One array as it stands in a list; the bytes are the thread's until it asks for another text. */
MXNET_DLL int MXNDArraySaveRawBytes(NDArrayHandle handle, size_t *out_size, const char **out_buf);

#endif
