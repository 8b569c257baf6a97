// SPDX-License-Identifier: Apache-2.0
/* Sound files of MXNet to begin with: symbols of all families, and parameters of all versions. */
#ifndef TEST_FUZZ_SEEDS_MXNET_H
#define TEST_FUZZ_SEEDS_MXNET_H

#include "model/mxnet_files.h"

#define SEED_PARAMS BROAD_PARAMS "fw 5,24;fb 5;e 9,4;cw 3,3,3,3;cg 3;"

#define SHAPED(name)                                                                               \
    "{'op':'null','name':'" name "','attrs':{'__shape__':'(2, 3, 4, 4)'},'inputs':[]}"

/* Records of the other versions and a sparse one: their names are not asked for. */
static inline void write_versions(struct byte_writer *writer)
{
    *writer = (struct byte_writer){0};
    put_u64(writer, 0x112), put_u64(writer, 0), put_u64(writer, 4);
    put_u32(writer, 2), put_u32(writer, 1), put_u32(writer, 2); /* V0 */
    put_u64(writer, 1), put_u32(writer, 0), put_u64(writer, 0);
    put_u32(writer, 0xF993FAC8), put_u32(writer, 1), put_u64(writer, 1); /* V1 */
    put_u64(writer, 1), put_u32(writer, 5), put_le(writer, 7, 1);
    put_u32(writer, 0xF993FACA), put_u32(writer, 0), put_u32(writer, 0); /* V3, a scalar */
    put_u64(writer, 1), put_u32(writer, 6), put_u64(writer, 42);
    put_u32(writer, 0xF993FAC9), put_u32(writer, 1), put_u32(writer, 1); /* V2, sparse by rows */
    put_u64(writer, 1), put_u32(writer, 1), put_u64(writer, 9);
    put_u64(writer, 1), put_u32(writer, 0), put_u32(writer, 6), put_u32(writer, 1);
    put_u64(writer, 1), put_u32(writer, 0), put_u64(writer, 3);
    put_u64(writer, 4);
    for (int i = 0; i < 4; i++)
        put_u64(writer, 5), put_bytes(writer, "aux:a", 4), put_le(writer, (uint64_t)('a' + i), 1);
}

/* Symbol number `index`, to be freed; NULL: there are no more. */
static inline char *mxnet_seed(int index)
{
    static const char *const symbols[] = {
        BROAD_SYMBOL,
        MOVING_SYMBOL,
        SYMBOL(
            SHAPED("x") "," VARIABLE("cw") "," NODE(
                "Convolution", "c",
                "'kernel':'(3,3)','num_filter':'3','no_bias':'True','pad':'(1,1)'",
                "[0,0],[1,0]") "," VARIABLE("cg") "," NODE("LeakyReLU", "r", "'act_type':'prelu'",
                                                           "[2,0],[3,0]") "," NODE("Pooling", "p",
                                                                                   "'kernel':'(2,2)"
                                                                                   "','stride':'(2,"
                                                                                   "2)','pool_type'"
                                                                                   ":'max','"
                                                                                   "pooling_"
                                                                                   "convention':'"
                                                                                   "full'",
                                                                                   "[4,0]"),
            "[5,0]"),
        SYMBOL(SHAPED("x") "," NODE(
                   "Pooling", "p", "'global_pool':'True','pool_type':'avg','kernel':'(1,1)'",
                   "[0,0]") "," NODE("Flatten", "f", "",
                                     "[1,0]") "," NODE("log_softmax", "s", "'axis':'-1'",
                                                       "[2,0]") "," NODE("argmax", "a",
                                                                         "'axis':'1'", "[3,0]"),
               "[4,0],[3,0]"),
        SYMBOL(
            SHAPED("x") "," NODE("transpose", "t", "'axes':'(0, 2, 3, 1)'", "[0,0]") "," NODE(
                "expand_dims", "e", "'axis':'1'",
                "[1,0]") "," NODE("Concat", "k", "'dim':'1','num_args':'2'",
                                  "[2,0],[2,0]") "," NODE("slice_axis", "s",
                                                          "'axis':'2','begin':'1','end':'None'",
                                                          "[3,0]") "," NODE("clip", "l",
                                                                            "'a_min':'-1','a_max':'"
                                                                            "2.5'",
                                                                            "[4,0]") "," NODE("LRN",
                                                                                              "n",
                                                                                              "'nsi"
                                                                                              "ze':"
                                                                                              "'3'",
                                                                                              "[0,"
                                                                                              "0]"),
            "[5,0],[6,0],[6,0],[0,0]"),
        SYMBOL(
            SHAPED("x") "," VARIABLE("cg") "," NODE("InstanceNorm", "i", "'eps':'0.001'", "[0,0],[1,0],[1,0]") "," NODE("norm", "o", "'ord':'2','axis':'1','keepdims':'1'", "[2,0]") "," NODE(
                "broadcast_div", "d",
                "",
                "[2,0],[3,0]") "," NODE("add_n", "z", "'num_args':'3'",
                                        "[4,0],[2,0],[0,0]") "," NODE("Cast", "h",
                                                                      "'dtype':'float16'",
                                                                      "[5,0]") "," NODE("_rminus_"
                                                                                        "scalar",
                                                                                        "m",
                                                                                        "'scalar':'"
                                                                                        "2'",
                                                                                        "[5,0]") "," NODE("softmax",
                                                                                                          "q",
                                                                                                          "",
                                                                                                          "[7,0]") "," NODE("batch_dot",
                                                                                                                            "b",
                                                                                                                            "'transpose_b':'1'",
                                                                                                                            "[10,0],[10,0]") "," NODE("Reshape",
                                                                                                                                                      "r",
                                                                                                                                                      "'shape':'(6, 4, 4)'",
                                                                                                                                                      "[0,0]"),
            "[6,0],[8,0],[9,0]"),
        SYMBOL(
            SHAPED("x") "," VARIABLE("e") "," NODE(
                "Embedding", "b", "'input_dim':'9','output_dim':'4'",
                "[0,0],[1,0]") "," NODE("SwapAxis", "w", "'dim1':'0','dim2':'1'",
                                        "[2,0]") "," NODE("sum", "s", "'axis':'()'",
                                                          "[3,0]") "," NODE("UpSampling", "u",
                                                                            "'scale':'2','sample_"
                                                                            "type':'nearest','num_"
                                                                            "args':'1'",
                                                                            "[0,0]") "," NODE("zero"
                                                                                              "s_"
                                                                                              "lik"
                                                                                              "e",
                                                                                              "z",
                                                                                              "",
                                                                                              "[0,"
                                                                                              "0]"),
            "[4,0],[6,0]"),
        OLD_SYMBOL(
            VARIABLE("x") ",{'op':'null','name':'fw','inputs':[]},{'op':'null','name':'fb','inputs'"
                          ":[]},{'op':'FullyConnected','param':{'num_hidden':'5'},'name':'f','"
                          "inputs':[[0,0],[1,0],[2,0]],'backward_source_id':-1},{'op':'"
                          "SoftmaxOutput','name':'s','param':{'grad_scale':'1'},'inputs':[[3,0]]}",
            "[4,0]"),
    };
    if (index >= (int)(sizeof symbols / sizeof *symbols))
        return NULL;
    return write_json(symbols[index]);
}

#endif
