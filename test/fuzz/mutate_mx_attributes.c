// SPDX-License-Identifier: Apache-2.0
/* Changes lines of texts: they are dropped, doubled, exchanged, taken from another input, or become
 * what is hard to read; and now and then a byte. */
#include "fuzz/fuzz_target.h"

#include <string.h>

static const char *const values[] = {
    "None",
    "True",
    "false",
    "0",
    "1",
    "-1",
    "2147483647",
    "-2147483648",
    "4294967295",
    "9223372036854775807",
    "99999999999999999999",
    "1e308",
    "1e-320",
    "nan",
    "-inf",
    "1e999",
    "",
    "()",
    "[]",
    "(,)",
    "(1",
    "(1,)",
    "(0,0)",
    "(-1,-1)",
    "(1,1,1,1,1,1,1,1,1)",
    "(2147483647,2147483647)",
    "(1000000,1000000)",
    "[1L, 2L]",
    "(None,1)",
    "((1,2),(3,4))",
    "1 1",
    " 3 ",
    "0x10",
    "+5",
    "1.5",
    "float32",
    "float64",
    "int8",
    "bfloat16",
    "cpu(0)",
    "gpu(99)",
    "cpu(-1)",
    "%s%n",
    "\xff\xfe",
    "num_args",
    "axis",
    "shape",
    "dtype",
    "scalar",
    "kernel",
    "__shape__",
    "__x__",
    "name",
};

/* The bounds of a line, without its end. */
static struct fuzz_view pick_line(const unsigned char *bytes, size_t size, uint64_t *state)
{
    size_t count = 1, begin = 0;
    for (size_t i = 0; i < size; i++)
        count += bytes[i] == '\n';
    for (uint64_t left = next_choice(state, count); left > 0; begin++)
        left -= bytes[begin] == '\n';
    size_t end = begin;
    while (end < size && bytes[end] != '\n')
        end++;
    return (struct fuzz_view){bytes + begin, end - begin};
}

void fuzz_mutate(struct fuzz_bytes *input, struct fuzz_view other, uint64_t *state)
{
    const struct fuzz_view line = pick_line(input->bytes, input->size, state);
    const size_t begin = (size_t)(line.bytes - input->bytes), end = begin + line.size;
    struct fuzz_view from;
    switch (next_choice(state, 8)) {
    case 0:
    case 1:
    case 2: {
        const char *value = PICK(values, state);
        (void)replace_range(input, begin, end, value, strlen(value));
        return;
    }
    case 3: /* without its end, so that keys and values change places */
        (void)replace_range(input, begin, end < input->size ? end + 1 : end, NULL, 0);
        return;
    case 4:
        if (other.size > 0) {
            from = pick_line(other.bytes, other.size, state);
            (void)replace_range(input, begin, end, from.bytes, from.size);
        }
        return;
    case 5: /* once more, with a line end before it */
        if (replace_range(input, end, end, "\n", 1))
            (void)replace_range(input, end + 1, end + 1, input->bytes + begin, line.size);
        return;
    case 6: {
        const char digits[] = "0123456789,()-. ";
        const char one[] = {digits[next_choice(state, sizeof digits - 1)]};
        (void)replace_range(input, begin, begin, one, 1);
        return;
    }
    default:
        mutate_bytes(input, state);
    }
}
