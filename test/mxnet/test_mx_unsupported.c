// SPDX-License-Identifier: Apache-2.0
/* What is for training or for reading data sets answers with a text that says so. */
#include <stdio.h>

#include "mxnet/mx_client.h"

/* −1, and a text with the function's own name. */
#define REFUSES(function, ...)                                                                     \
    do {                                                                                           \
        MX_FAILS(function(__VA_ARGS__), #function ": ");                                           \
        ck_assert_ptr_nonnull(                                                                     \
            strstr(MXGetLastError(), "is not supported: this library is for inference"));          \
    } while (0)

START_TEST(gradients_are_refused)
{
    REFUSES(MXExecutorBackward, NULL, 0, NULL);
    REFUSES(MXExecutorBackwardEx, NULL, 0, NULL, 1);
    REFUSES(MXAutogradMarkVariables, 0, NULL, NULL, NULL);
    REFUSES(MXAutogradComputeGradient, 0, NULL);
    REFUSES(MXAutogradBackward, 0, NULL, NULL, 0);
    REFUSES(MXAutogradBackwardEx, 0, NULL, NULL, 0, NULL, 0, 0, 0, NULL, NULL);
}
END_TEST

START_TEST(recording_and_training_are_off_and_stay_off)
{
    int previous = 7;
    bool is_on = true;
    MX(MXAutogradSetIsRecording(0, &previous));
    ck_assert_int_eq(previous, 0);
    previous = 7;
    MX(MXAutogradSetIsTraining(0, &previous));
    ck_assert_int_eq(previous, 0);
    REFUSES(MXAutogradSetIsRecording, 1, &previous);
    REFUSES(MXAutogradSetIsTraining, 1, &previous);
    MX(MXAutogradIsRecording(&is_on));
    ck_assert(!is_on);
    is_on = true;
    MX(MXAutogradIsTraining(&is_on));
    ck_assert(!is_on);
    MX_FAILS(MXAutogradIsRecording(NULL), "NULL");
    MX_FAILS(MXAutogradIsTraining(NULL), "NULL");
    MX(MXAutogradSetIsRecording(0, NULL));
}
END_TEST

START_TEST(there_are_no_data_iterators)
{
    uint32_t count = 7;
    DataIterCreator *creators = (DataIterCreator *)&count;
    MX(MXListDataIters(&count, &creators));
    ck_assert_uint_eq(count, 0);
    MX_FAILS(MXListDataIters(NULL, &creators), "NULL");
    MX_FAILS(MXListDataIters(&count, NULL), "NULL");
    REFUSES(MXDataIterGetIterInfo, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    REFUSES(MXDataIterCreateIter, NULL, 0, NULL, NULL, NULL);
    REFUSES(MXDataIterNext, NULL, NULL);
    REFUSES(MXDataIterBeforeFirst, NULL);
    REFUSES(MXDataIterGetData, NULL, NULL);
    REFUSES(MXDataIterGetLabel, NULL, NULL);
    REFUSES(MXDataIterGetIndex, NULL, NULL, NULL);
    REFUSES(MXDataIterGetPadNum, NULL, NULL);
    MX(MXDataIterFree(NULL));
    REFUSES(MXDataIterFree, &count);
}
END_TEST

START_TEST(there_are_no_key_value_stores)
{
    int count = 7;
    KVStoreHandle store = &count;
    REFUSES(MXInitPSEnv, 0, NULL, NULL);
    REFUSES(MXKVStoreCreate, "local", &store);
    ck_assert_ptr_eq(store, &count); /* nothing was made */
    REFUSES(MXKVStoreInit, NULL, 0, NULL, NULL);
    REFUSES(MXKVStoreInitEx, NULL, 0, NULL, NULL);
    REFUSES(MXKVStorePush, NULL, 0, NULL, NULL, 0);
    REFUSES(MXKVStorePushEx, NULL, 0, NULL, NULL, 0);
    REFUSES(MXKVStorePull, NULL, 0, NULL, NULL, 0);
    REFUSES(MXKVStorePullEx, NULL, 0, NULL, NULL, 0);
    REFUSES(MXKVStoreSetUpdater, NULL, NULL, NULL);
    REFUSES(MXKVStoreSetUpdaterEx, NULL, NULL, NULL, NULL);
    REFUSES(MXKVStoreGetType, NULL, NULL);
    REFUSES(MXKVStoreGetRank, NULL, &count);
    REFUSES(MXKVStoreGetGroupSize, NULL, &count);
    REFUSES(MXKVStoreBarrier, NULL);
    REFUSES(MXKVStoreRunServer, NULL, NULL, NULL);
    REFUSES(MXKVStoreSendCommmandToServers, NULL, 0, "");
    REFUSES(MXKVStoreGetNumDeadNode, NULL, 0, &count, 60);
    REFUSES(MXKVStoreSetBarrierBeforeExit, NULL, 0);
    ck_assert_int_eq(count, 7);
    MX(MXKVStoreFree(NULL));
    REFUSES(MXKVStoreFree, &count);
}
END_TEST

START_TEST(a_process_without_a_role_is_a_worker)
{
    int is_it = 7;
    MX(MXKVStoreIsWorkerNode(&is_it));
    ck_assert_int_eq(is_it, 1);
    MX(MXKVStoreIsServerNode(&is_it));
    ck_assert_int_eq(is_it, 0);
    is_it = 7;
    MX(MXKVStoreIsSchedulerNode(&is_it));
    ck_assert_int_eq(is_it, 0);
    MX_FAILS(MXKVStoreIsWorkerNode(NULL), "NULL");
    MX_FAILS(MXKVStoreIsServerNode(NULL), "NULL");
    MX_FAILS(MXKVStoreIsSchedulerNode(NULL), "NULL");
}
END_TEST

int main(void)
{
    return RUN_TESTS("mx_unsupported", gradients_are_refused,
                     recording_and_training_are_off_and_stay_off, there_are_no_data_iterators,
                     there_are_no_key_value_stores, a_process_without_a_role_is_a_worker);
}
