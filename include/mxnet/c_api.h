// SPDX-License-Identifier: Apache-2.0
/**
 * MXNet 1.9.1's C API, on cachedop: what programs and bindings need for inference, under MXNet's
 * names, with its numbers and rules of ownership. docs/mxnet.md says what is the same, what is
 * better and what is missing.
 *
 * Every function returns 0, or -1 and leaves a text for MXGetLastError of the same thread. Texts
 * and arrays that a function returns without saying who frees them belong to the library and stay
 * valid until the same thread calls a function that returns the same kind of thing: texts, handles,
 * shapes or types. Handles belong to the caller.
 *
 * Thread-safety: every function may be called from any thread, also on the same handles, as long as
 * nobody changes (MXSymbolCompose, MXSymbolSetAttr) or frees a handle that others use.
 */
#ifndef MXNET_C_API_H_
#define MXNET_C_API_H_

#include <mxnet/c_api/base.h>
#include <mxnet/c_api/cached_op.h>
#include <mxnet/c_api/executor.h>
#include <mxnet/c_api/infer.h>
#include <mxnet/c_api/library.h>
#include <mxnet/c_api/ndarray.h>
#include <mxnet/c_api/operator.h>
#include <mxnet/c_api/symbol.h>
#include <mxnet/c_api/unsupported.h>

#endif
