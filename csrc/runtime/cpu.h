/* What the processor has. Levels are ordered: a processor that has one has those before it. */
#ifndef CNN_RUNTIME_CPU_H
#define CNN_RUNTIME_CPU_H

typedef enum {
    CNN_CPU_GENERIC = 0, /* what the compiler's base target has: SSE2 on x86-64, NEON on aarch64 */
    CNN_CPU_AVX2,        /* AVX2 and FMA */
    CNN_CPU_AVX512,      /* AVX-512 F, BW, DQ and VL */
} cnn_cpu_level;

/* The highest level that this processor and its operating system support. */
cnn_cpu_level cnn_cpu_detect(void);

#endif
