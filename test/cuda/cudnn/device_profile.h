// SPDX-License-Identifier: Apache-2.0
/*
 * An H200 as cuDNN describes devices, for planning where there is none. Not taken on the device:
 * written from its published properties.
 */
#ifndef TEST_CUDA_CUDNN_DEVICE_PROFILE_H
#define TEST_CUDA_CUDNN_DEVICE_PROFILE_H

#define PROFILE_DEVICE_NAME "NVIDIA H200"

static const char device_profile[] =
    "{\"deviceName\":\"NVIDIA H200\",\"deviceVer\":900,\"cudaDeviceId\":0,\"pciDeviceId\":0,"
    "\"driverVer\":13000,\"isTccDriver\":0,\"supportCoopLaunch\":1,"
    "\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],"
    "\"maxThreadsPerBlock\":1024,\"warpSize\":32,\"multiProcessorCount\":132,"
    "\"maxThreadsPerSM\":2048,\"maxCtasPerSM\":32,\"regsPerBlock\":65536,"
    "\"maxRegistersPerSM\":65536,\"maxSharedMemoryPerBlock\":49152,"
    "\"maxSharedMemoryPerBlockOptin\":232448,\"reservedSharedMemoryPerBlock\":1024,"
    "\"totalGlobalMem\":150110011392,\"l2CacheSize\":62914560,\"smClockRateKHz\":1980000,"
    "\"memClockRateKHz\":3201000}";

#endif
