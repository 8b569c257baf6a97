// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

#define JOIN(axis_) OP_CONCAT, ATTRS(concat_attrs, axis_)

static const struct op_case rows[] = {
    {"channels", JOIN(1), {SRC(1, 16, 5, 5), SRC(1, 32, 5, 5)}, .src_count = 2},
    {"odd channels", JOIN(1), {SRC(2, 3, 5, 5), SRC(2, 17, 5, 5), SRC(2, 1, 5, 5)}, .src_count = 3},
    {"batch", JOIN(0), {SRC(1, 16, 5, 5), SRC(3, 16, 5, 5)}, .src_count = 2},
    {"rows", JOIN(2), {SRC(2, 16, 5, 5), SRC(2, 16, 2, 5)}, .src_count = 2},
    {"columns", JOIN(3), {SRC(2, 5, 4, 5), SRC(2, 5, 4, 1)}, .src_count = 2},
    {"last axis", JOIN(-1), {SRC(2, 5, 4, 5), SRC(2, 5, 4, 2)}, .src_count = 2},
    {"one", JOIN(1), {SRC(2, 5, 4, 5)}, .src_count = 1},
    {"six",
     JOIN(1),
     {SRC(1, 8, 3, 3), SRC(1, 16, 3, 3), SRC(1, 4, 3, 3), SRC(1, 5, 3, 3), SRC(1, 7, 3, 3),
      SRC(1, 24, 3, 3)},
     .src_count = 6},
    {"vectors", JOIN(0), {SRC(4), SRC(3)}, .src_count = 2},
    {"matrices", JOIN(1), {SRC(4, 2), SRC(4, 3)}, .src_count = 2},
    {"3-D planes", JOIN(1), {SRC(1, 4, 2, 3, 4), SRC(1, 2, 2, 3, 4)}, .src_count = 2},
};

const struct op_cases concat_cases = CASES(rows);
