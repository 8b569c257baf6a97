// SPDX-License-Identifier: Apache-2.0
/* Short forms for tests of shape rules. */
#ifndef TEST_SUPPORT_INFER_H
#define TEST_SUPPORT_INFER_H

#include <check.h>
#include <string.h>

#include "ir/op.h"

/* A tensor with these dimensions, COP_UNKNOWN among them. */
#define TYPED(type, ...)                                                                           \
    ((struct op_tensor){                                                                           \
        .is_present = true,                                                                        \
        .dtype = COP_DTYPE_##type,                                                                 \
        .shape = cop_shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),           \
                              (int64_t[]){__VA_ARGS__})})
#define KNOWN(...) TYPED(FLOAT32, __VA_ARGS__)
#define RANK_0     ((struct op_tensor){.is_present = true, .dtype = COP_DTYPE_FLOAT32})
/* There, but nothing is known of it. */
#define OPEN ((struct op_tensor){.is_present = true, .shape = {.rank = COP_UNKNOWN}})
#define GONE ((struct op_tensor){.is_present = false})

/* The rule succeeds; tensors show what it learned. */
#define CHECK_INFER(kind, attrs, src_count, src, dst_count, dst)                                   \
    do {                                                                                           \
        cop_error infer_error;                                                                     \
        ck_assert_msg(cop_op_infer(kind, attrs, src_count, src, dst_count, dst, &infer_error) ==   \
                          COP_STATUS_OK,                                                           \
                      "%s", infer_error.message);                                                  \
    } while (0)

/* The rule fails with `expected` and a message that contains `part`. */
#define CHECK_REFUSED(expected, part, kind, attrs, src_count, src, dst_count, dst)                 \
    do {                                                                                           \
        cop_error infer_error = {.message = ""};                                                   \
        ck_assert_int_eq(cop_op_infer(kind, attrs, src_count, src, dst_count, dst, &infer_error),  \
                         expected);                                                                \
        ck_assert_int_eq(infer_error.status, expected);                                            \
        ck_assert_msg(strstr(infer_error.message, part) != NULL, "\"%s\" lacks \"%s\"",            \
                      infer_error.message, part);                                                  \
    } while (0)

#define CHECK_SHAPE(tensor, expected)                                                              \
    ck_assert_str_eq(cop_shape_text(&(tensor).shape).text, expected)

#endif
