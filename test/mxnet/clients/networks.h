// SPDX-License-Identifier: Apache-2.0
/* Networks made with MXNet's C API, with arrays for everything but data and label. */
#ifndef TEST_MXNET_CLIENTS_NETWORKS_H
#define TEST_MXNET_CLIENTS_NETWORKS_H

#include "mxnet/clients/client.h"

struct network {
    SymbolHandle symbol;
    uint32_t inputs;       /* of the symbol, in the order in which a cached operator takes them */
    NDArrayHandle *params; /* by input; NULL for data and label */
    int data_at, label_at; /* label_at: -1 without one */
    uint32_t data_shape[4], rank;
};

/* A residual network of 18, 50 or 152 layers (bottlenecks from 50 on) that classifies data
 * [1,3,side,side] into 10 classes. */
struct network make_residual_network(int layers, int width, int side);

/* Two convolutions with tanh and pooling, two dense layers: data [batch,1,28,28]. */
struct network make_lenet(uint32_t batch);

/* NAME-symbol.json and the parameters `params_file`, with data of the shape. */
struct network load_network(const char *symbol_file, const char *params_file, uint32_t rank,
                            const uint32_t *data_shape);

void free_network(struct network *network);

#endif
