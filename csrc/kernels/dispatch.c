/* Chooses the table of kernels, and the algorithm of convolutions where that is forced. The build says by CNN_HAVE_AVX2
 * and CNN_HAVE_AVX512 which levels it holds. */
#include "kernels/kernels.h"

#include "runtime/cpu.h"

#include <stdatomic.h>
#include <string.h>

extern const cnn_kernels cnn_kernel_table_generic;
#ifdef CNN_HAVE_AVX2
extern const cnn_kernels cnn_kernel_table_avx2;
#endif
#ifdef CNN_HAVE_AVX512
extern const cnn_kernels cnn_kernel_table_avx512;
#endif

static const struct {
    cnn_cpu_level level;
    const char *name;
    const cnn_kernels *table;
} tables[] = {
    {CNN_CPU_GENERIC, "generic", &cnn_kernel_table_generic},
#ifdef CNN_HAVE_AVX2
    {CNN_CPU_AVX2, "avx2", &cnn_kernel_table_avx2},
#endif
#ifdef CNN_HAVE_AVX512
    {CNN_CPU_AVX512, "avx512", &cnn_kernel_table_avx512},
#endif
};

#define TABLES ((int)(sizeof tables / sizeof *tables))

const cnn_kernels *cnn_active_kernels = &cnn_kernel_table_generic;

const char *const *cnn_kernels_levels(int *count)
{
    static const char *names[TABLES + 1];
    cnn_cpu_level best = cnn_cpu_detect();
    *count = 0;
    for (int i = 0; i < TABLES; i++)
        if (tables[i].level <= best) names[(*count)++] = tables[i].name;
    return names;
}

cnn_status cnn_kernels_select(const char *name)
{
    int count;
    const char *const *names = cnn_kernels_levels(&count);
    if (!name) name = names[count - 1];
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) {
            cnn_active_kernels = tables[i].table;
            return CNN_OK;
        }
    return cnn_fail(CNN_ERR_VALUE,
                    "processor level \"%s\" is not available here; the best this processor and build have is \"%s\"",
                    name, names[count - 1]);
}

const char *const cnn_conv_algorithm_names[] = {"auto", "direct", "winograd", NULL};

static atomic_int conv_algorithm = CNN_CONV_AUTO;

cnn_status cnn_conv_algorithm_select(const char *name)
{
    for (int i = 0; cnn_conv_algorithm_names[i]; i++)
        if (strcmp(cnn_conv_algorithm_names[i], name) == 0) {
            atomic_store(&conv_algorithm, i);
            return CNN_OK;
        }
    return cnn_fail(CNN_ERR_VALUE, "the algorithm of convolutions must be 'auto', 'direct' or 'winograd', got '%.40s'",
                    name);
}

cnn_conv_algorithm cnn_conv_algorithm_now(void)
{
    return (cnn_conv_algorithm)atomic_load(&conv_algorithm);
}
