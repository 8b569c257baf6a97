// SPDX-License-Identifier: Apache-2.0
/** Inferring the shapes and element types of a symbol. */
#ifndef MXNET_C_API_INFER_H_
#define MXNET_C_API_INFER_H_

#include <mxnet/c_api/base.h>

MXNET_DLL int MXSymbolInferShape(SymbolHandle sym, uint32_t num_args, const char **keys,
                                 const uint32_t *arg_ind_ptr, const uint32_t *arg_shape_data,
                                 uint32_t *in_shape_size, const uint32_t **in_shape_ndim,
                                 const uint32_t ***in_shape_data, uint32_t *out_shape_size,
                                 const uint32_t **out_shape_ndim, const uint32_t ***out_shape_data,
                                 uint32_t *aux_shape_size, const uint32_t **aux_shape_ndim,
                                 const uint32_t ***aux_shape_data, int *complete);

MXNET_DLL int MXSymbolInferShapeEx(SymbolHandle sym, uint32_t num_args, const char **keys,
                                   const uint32_t *arg_ind_ptr, const int *arg_shape_data,
                                   uint32_t *in_shape_size, const int **in_shape_ndim,
                                   const int ***in_shape_data, uint32_t *out_shape_size,
                                   const int **out_shape_ndim, const int ***out_shape_data,
                                   uint32_t *aux_shape_size, const int **aux_shape_ndim,
                                   const int ***aux_shape_data, int *complete);

MXNET_DLL int MXSymbolInferShapeEx64(SymbolHandle sym, uint32_t num_args, const char **keys,
                                     const int64_t *arg_ind_ptr, const int64_t *arg_shape_data,
                                     size_t *in_shape_size, const int **in_shape_ndim,
                                     const int64_t ***in_shape_data, size_t *out_shape_size,
                                     const int **out_shape_ndim, const int64_t ***out_shape_data,
                                     size_t *aux_shape_size, const int **aux_shape_ndim,
                                     const int64_t ***aux_shape_data, int *complete);

MXNET_DLL int MXSymbolInferShapePartial(SymbolHandle sym, uint32_t num_args, const char **keys,
                                        const uint32_t *arg_ind_ptr, const uint32_t *arg_shape_data,
                                        uint32_t *in_shape_size, const uint32_t **in_shape_ndim,
                                        const uint32_t ***in_shape_data, uint32_t *out_shape_size,
                                        const uint32_t **out_shape_ndim,
                                        const uint32_t ***out_shape_data, uint32_t *aux_shape_size,
                                        const uint32_t **aux_shape_ndim,
                                        const uint32_t ***aux_shape_data, int *complete);

MXNET_DLL int MXSymbolInferShapePartialEx(SymbolHandle sym, uint32_t num_args, const char **keys,
                                          const uint32_t *arg_ind_ptr, const int *arg_shape_data,
                                          uint32_t *in_shape_size, const int **in_shape_ndim,
                                          const int ***in_shape_data, uint32_t *out_shape_size,
                                          const int **out_shape_ndim, const int ***out_shape_data,
                                          uint32_t *aux_shape_size, const int **aux_shape_ndim,
                                          const int ***aux_shape_data, int *complete);

MXNET_DLL int MXSymbolInferShapePartialEx64(
    SymbolHandle sym, uint32_t num_args, const char **keys, const int64_t *arg_ind_ptr,
    const int64_t *arg_shape_data, size_t *in_shape_size, const int **in_shape_ndim,
    const int64_t ***in_shape_data, size_t *out_shape_size, const int **out_shape_ndim,
    const int64_t ***out_shape_data, size_t *aux_shape_size, const int **aux_shape_ndim,
    const int64_t ***aux_shape_data, int *complete);

MXNET_DLL int MXSymbolInferType(SymbolHandle sym, uint32_t num_args, const char **keys,
                                const int *arg_type_data, uint32_t *in_type_size,
                                const int **in_type_data, uint32_t *out_type_size,
                                const int **out_type_data, uint32_t *aux_type_size,
                                const int **aux_type_data, int *complete);

MXNET_DLL int MXSymbolInferTypePartial(SymbolHandle sym, uint32_t num_args, const char **keys,
                                       const int *arg_type_data, uint32_t *in_type_size,
                                       const int **in_type_data, uint32_t *out_type_size,
                                       const int **out_type_data, uint32_t *aux_type_size,
                                       const int **aux_type_data, int *complete);

#endif
