// SPDX-License-Identifier: Apache-2.0
/* Arrays saved on a GPU could not be read without one: where an array lay does not matter. */
#include "known_failures/params_files.h"
#include "support/unit.h"

START_TEST(arrays_of_any_device_are_read)
{
    static const uint32_t kinds[] = {1, 2, 3,
                                     5, 0, 0xffffffff}; /* CPU, GPU, pinned, shared, no such */
    for (int i = 0; i < 6; i++) {
        struct byte_writer writer;
        cop_model *model = NULL;
        cop_cached_op *op = NULL;
        cop_ndarray *src = NULL, *dst = NULL;
        cop_error error;
        cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
        float zeros[2] = {0};
        options.device.kind = COP_DEVICE_REF;
        start_list(&writer, 1);
        put_head(&writer, 1, 2, kinds[i], i == 1 ? 7 : 0);
        put_floats(&writer, 2, (const float[]){3, -4});
        put_u64(&writer, 1), put_name(&writer, "w");
        ck_assert_msg(load_params(writer.bytes, writer.size, &model, &error) == COP_STATUS_OK &&
                          cop_cached_op_create(model, &options, &op, &error) == COP_STATUS_OK &&
                          cop_ndarray_wrap(zeros, COP_DTYPE_FLOAT32, 2, (int64_t[]){1, 2}, NULL,
                                           &src, &error) == COP_STATUS_OK &&
                          cop_invoke(op, 1, &src, 1, &dst, NULL, &error) == COP_STATUS_OK,
                      "device %u: %s", kinds[i], error.message);
        ck_assert_mem_eq(cop_ndarray_data(dst), ((const float[]){3, -4}), 8);
        cop_ndarray_release(&src), cop_ndarray_release(&dst);
        cop_cached_op_release(&op);
        cop_model_release(&model);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("saved on a GPU", arrays_of_any_device_are_read);
}
