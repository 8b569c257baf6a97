// SPDX-License-Identifier: Apache-2.0
#include "support/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The header is a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (1, 1000), }.
 */
static int parse_shape(const char *header, int64_t *shape)
{
    const char *at = strstr(header, "'shape': (");
    int rank = 0;
    if (at == NULL || strstr(header, "'<f4'") == NULL || strstr(header, "False") == NULL)
        return -1;
    at += strlen("'shape': (");
    while (*at != ')' && rank < COP_MAX_RANK) {
        char *end;
        shape[rank++] = strtoll(at, &end, 10);
        if (end == at)
            return -1;
        at = end + strspn(end, ", ");
    }
    return rank;
}

cop_ndarray *npy_load(const char *path)
{
    unsigned char start[10];
    char header[4096];
    int64_t shape[COP_MAX_RANK];
    cop_ndarray *array = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    if (fread(start, 1, sizeof start, file) == sizeof start && memcmp(start, "\x93NUMPY", 6) == 0) {
        const size_t length = start[8] | (size_t)start[9] << 8; /* versions 1 */
        if (length < sizeof header && fread(header, 1, length, file) == length) {
            header[length] = '\0';
            const int rank = parse_shape(header, shape);
            if (rank >= 0 &&
                cop_ndarray_create(COP_DTYPE_FLOAT32, rank, shape, &array, NULL) == COP_STATUS_OK) {
                const size_t bytes = cop_ndarray_bytes(array);
                if (fread(cop_ndarray_data(array), 1, bytes, file) != bytes)
                    cop_ndarray_release(&array);
            }
        }
    }
    fclose(file);
    return array;
}
