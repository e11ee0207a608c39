#include "runtime/cpu.h"

cnn_cpu_level cnn_cpu_detect(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init(); /* also asks whether the system saves the wide registers */
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
        return CNN_CPU_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CNN_CPU_AVX2;
#endif
    return CNN_CPU_GENERIC;
}
