// SPDX-License-Identifier: Apache-2.0
/**
 * Inferring the shapes and element types of a symbol.
 *
 * What is known of some arguments goes in; what follows from it for arguments, outputs and
 * auxiliary states comes out, each list in the order of its names (mxnet/c_api/symbol.h). Knowledge
 * goes both ways, from inputs to outputs and back, and variables add what their attributes
 * `__shape__` and `__dtype__` say.
 *
 * The lists belong to the calling thread until it infers again. -1 with a text in MXGetLastError,
 * and outputs untouched: a name that there is not ("InferShapeKeyword argument name …"), more
 * positions than arguments, something that contradicts itself ("Error in operator <node>: …").
 *
 * Cost: the symbol is walked, for shapes also made into a graph, on each call.
 *
 * Thread-safety: any number of threads, also with one symbol.
 */
#ifndef MXNET_C_API_INFER_H_
#define MXNET_C_API_INFER_H_

#include <mxnet/c_api/base.h>

/**
 * Infers shapes.
 *
 * @param num_args        how many arguments are known
 * @param keys            their names, auxiliary states included; NULL: the first num_args arguments
 * @param arg_ind_ptr     num_args + 1 positions in arg_shape_data: where each shape begins and ends
 * @param arg_shape_data  the dimensions one after the other; 0 is unknown, and so is a shape of no
 *                        dimensions, unless shapes are numpy's (MXSetIsNumpyShape): then it is -1
 * @param in_shape_size   receives how many arguments there are, in_shape_ndim their ranks, 0
 * (numpy: -1) for one that stays unknown, and in_shape_data their dimensions, 0 (-1) likewise;
 * out_… of outputs and aux_… of auxiliary states are the same
 * @param complete        receives whether everything is known
 */
MXNET_DLL int MXSymbolInferShape(SymbolHandle sym, uint32_t num_args, const char **keys,
                                 const uint32_t *arg_ind_ptr, const uint32_t *arg_shape_data,
                                 uint32_t *in_shape_size, const uint32_t **in_shape_ndim,
                                 const uint32_t ***in_shape_data, uint32_t *out_shape_size,
                                 const uint32_t **out_shape_ndim, const uint32_t ***out_shape_data,
                                 uint32_t *aux_shape_size, const uint32_t **aux_shape_ndim,
                                 const uint32_t ***aux_shape_data, int *complete);

/** The same with dimensions that may be negative. */
MXNET_DLL int MXSymbolInferShapeEx(SymbolHandle sym, uint32_t num_args, const char **keys,
                                   const uint32_t *arg_ind_ptr, const int *arg_shape_data,
                                   uint32_t *in_shape_size, const int **in_shape_ndim,
                                   const int ***in_shape_data, uint32_t *out_shape_size,
                                   const int **out_shape_ndim, const int ***out_shape_data,
                                   uint32_t *aux_shape_size, const int **aux_shape_ndim,
                                   const int ***aux_shape_data, int *complete);

/** The same with 64-bit dimensions. */
MXNET_DLL int MXSymbolInferShapeEx64(SymbolHandle sym, uint32_t num_args, const char **keys,
                                     const int64_t *arg_ind_ptr, const int64_t *arg_shape_data,
                                     size_t *in_shape_size, const int **in_shape_ndim,
                                     const int64_t ***in_shape_data, size_t *out_shape_size,
                                     const int **out_shape_ndim, const int64_t ***out_shape_data,
                                     size_t *aux_shape_size, const int **aux_shape_ndim,
                                     const int64_t ***aux_shape_data, int *complete);

/** The same, and `*complete` is always 1: frontends take what there is. */
MXNET_DLL int MXSymbolInferShapePartial(SymbolHandle sym, uint32_t num_args, const char **keys,
                                        const uint32_t *arg_ind_ptr, const uint32_t *arg_shape_data,
                                        uint32_t *in_shape_size, const uint32_t **in_shape_ndim,
                                        const uint32_t ***in_shape_data, uint32_t *out_shape_size,
                                        const uint32_t **out_shape_ndim,
                                        const uint32_t ***out_shape_data, uint32_t *aux_shape_size,
                                        const uint32_t **aux_shape_ndim,
                                        const uint32_t ***aux_shape_data, int *complete);

/** The same with dimensions that may be negative. */
MXNET_DLL int MXSymbolInferShapePartialEx(SymbolHandle sym, uint32_t num_args, const char **keys,
                                          const uint32_t *arg_ind_ptr, const int *arg_shape_data,
                                          uint32_t *in_shape_size, const int **in_shape_ndim,
                                          const int ***in_shape_data, uint32_t *out_shape_size,
                                          const int **out_shape_ndim, const int ***out_shape_data,
                                          uint32_t *aux_shape_size, const int **aux_shape_ndim,
                                          const int ***aux_shape_data, int *complete);

/** The same with 64-bit dimensions. */
MXNET_DLL int MXSymbolInferShapePartialEx64(
    SymbolHandle sym, uint32_t num_args, const char **keys, const int64_t *arg_ind_ptr,
    const int64_t *arg_shape_data, size_t *in_shape_size, const int **in_shape_ndim,
    const int64_t ***in_shape_data, size_t *out_shape_size, const int **out_shape_ndim,
    const int64_t ***out_shape_data, size_t *aux_shape_size, const int **aux_shape_ndim,
    const int64_t ***aux_shape_data, int *complete);

/**
 * Infers element types (numbers: mxnet/c_api/ndarray.h); -1 is unknown.
 *
 * @param keys           as for shapes
 * @param arg_type_data  num_args types
 */
MXNET_DLL int MXSymbolInferType(SymbolHandle sym, uint32_t num_args, const char **keys,
                                const int *arg_type_data, uint32_t *in_type_size,
                                const int **in_type_data, uint32_t *out_type_size,
                                const int **out_type_data, uint32_t *aux_type_size,
                                const int **aux_type_data, int *complete);

/** The same, and `*complete` is always 1. */
MXNET_DLL int MXSymbolInferTypePartial(SymbolHandle sym, uint32_t num_args, const char **keys,
                                       const int *arg_type_data, uint32_t *in_type_size,
                                       const int **in_type_data, uint32_t *out_type_size,
                                       const int **out_type_data, uint32_t *aux_type_size,
                                       const int **aux_type_data, int *complete);

#endif
