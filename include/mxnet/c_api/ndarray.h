// SPDX-License-Identifier: Apache-2.0
/** Arrays. */
#ifndef MXNET_C_API_NDARRAY_H_
#define MXNET_C_API_NDARRAY_H_

#include <mxnet/c_api/base.h>

MXNET_DLL int MXNDArrayCreateNone(NDArrayHandle *out);

MXNET_DLL int MXNDArrayCreate(const uint32_t *shape, uint32_t ndim, int dev_type, int dev_id,
                              int delay_alloc, NDArrayHandle *out);

MXNET_DLL int MXNDArrayCreateEx(const uint32_t *shape, uint32_t ndim, int dev_type, int dev_id,
                                int delay_alloc, int dtype, NDArrayHandle *out);

MXNET_DLL int MXNDArrayCreateEx64(const int64_t *shape, int ndim, int dev_type, int dev_id,
                                  int delay_alloc, int dtype, NDArrayHandle *out);

MXNET_DLL int MXNDArrayFree(NDArrayHandle handle);

MXNET_DLL int MXNDArrayGetShape(NDArrayHandle handle, uint32_t *out_dim,
                                const uint32_t **out_pdata);

MXNET_DLL int MXNDArrayGetShapeEx(NDArrayHandle handle, int *out_dim, const int **out_pdata);

MXNET_DLL int MXNDArrayGetShapeEx64(NDArrayHandle handle, int *out_dim, const int64_t **out_pdata);

MXNET_DLL int MXNDArrayGetDType(NDArrayHandle handle, int *out_dtype);

MXNET_DLL int MXNDArrayGetContext(NDArrayHandle handle, int *out_dev_type, int *out_dev_id);

MXNET_DLL int MXNDArrayGetStorageType(NDArrayHandle handle, int *out_storage_type);

MXNET_DLL int MXNDArrayGetData(NDArrayHandle handle, void **out_pdata);

MXNET_DLL int MXNDArraySyncCopyFromCPU(NDArrayHandle handle, const void *data, size_t size);

MXNET_DLL int MXNDArraySyncCopyToCPU(NDArrayHandle handle, void *data, size_t size);

MXNET_DLL int MXNDArraySyncCopyFromNDArray(NDArrayHandle handle_dst, const NDArrayHandle handle_src,
                                           const int i);

MXNET_DLL int MXNDArrayWaitToRead(NDArrayHandle handle);

MXNET_DLL int MXNDArrayWaitToWrite(NDArrayHandle handle);

MXNET_DLL int MXNDArrayWaitAll(void);

MXNET_DLL int MXNDArrayReshape(NDArrayHandle handle, int ndim, int *dims, NDArrayHandle *out);

MXNET_DLL int MXNDArrayReshape64(NDArrayHandle handle, int ndim, dim_t *dims, bool reverse,
                                 NDArrayHandle *out);

MXNET_DLL int MXNDArraySlice(NDArrayHandle handle, uint32_t slice_begin, uint32_t slice_end,
                             NDArrayHandle *out);

MXNET_DLL int MXNDArraySlice64(NDArrayHandle handle, int64_t slice_begin, int64_t slice_end,
                               NDArrayHandle *out);

MXNET_DLL int MXNDArrayAt(NDArrayHandle handle, uint32_t idx, NDArrayHandle *out);

MXNET_DLL int MXNDArrayAt64(NDArrayHandle handle, int64_t idx, NDArrayHandle *out);

MXNET_DLL int MXNDArrayDetach(NDArrayHandle handle, NDArrayHandle *out);

MXNET_DLL int MXShallowCopyNDArray(NDArrayHandle src, NDArrayHandle *out);

MXNET_DLL int MXNDArrayGetGrad(NDArrayHandle handle, NDArrayHandle *out);

MXNET_DLL int MXNDArrayLoad(const char *fname, uint32_t *out_size, NDArrayHandle **out_arr,
                            uint32_t *out_name_size, const char ***out_names);

MXNET_DLL int MXNDArrayLoadFromBuffer(const void *ndarray_buffer, size_t size, uint32_t *out_size,
                                      NDArrayHandle **out_arr, uint32_t *out_name_size,
                                      const char ***out_names);

MXNET_DLL int MXNDArraySave(const char *fname, uint32_t num_args, NDArrayHandle *args,
                            const char **keys);

MXNET_DLL int MXNDArrayLoadFromRawBytes(const void *buf, size_t size, NDArrayHandle *out);

MXNET_DLL int MXNDArraySaveRawBytes(NDArrayHandle handle, size_t *out_size, const char **out_buf);

#endif
