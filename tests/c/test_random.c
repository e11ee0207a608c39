#include "runtime/parallel.h"
#include "runtime/random.h"
#include "test.h"

#include <math.h>

/* The known answers of Random123 for philox4x32-10; there the stream is the upper half of the counter. */
TEST(philox_known_answers)
{
    static const struct {
        uint64_t seed, stream, counter;
        uint32_t words[4];
    } known[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822u,
         0x0370734413198a2eu,
         0x85a308d3243f6a88u,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (int i = 0; i < 3; i++) {
        cnn_philox4 r = cnn_philox(known[i].seed, known[i].stream, known[i].counter);
        CHECK(memcmp(r.v, known[i].words, sizeof r.v) == 0);
    }
}

TEST(units_lie_below_one)
{
    CHECK(cnn_unit_f32(0) == 0.0f && cnn_unit_f32(UINT32_MAX) < 1.0f);
    CHECK(cnn_unit_f64(0, 0) == 0.0 && cnn_unit_f64(UINT32_MAX, UINT32_MAX) < 1.0);
    CHECK(cnn_unit_f64(0, UINT32_MAX) > 0.0 && cnn_unit_f64(1, 0) > cnn_unit_f64(0, UINT32_MAX));
}

enum { N = 400000 };
static double values[N], others[N];

static void moments(double *mean, double *deviation, double *low, double *high)
{
    double sum = 0, squares = 0;
    *low = *high = values[0];
    for (int i = 0; i < N; i++) {
        sum += values[i];
        squares += values[i] * values[i];
        if (values[i] < *low) *low = values[i];
        if (values[i] > *high) *high = values[i];
    }
    *mean = sum / N;
    *deviation = sqrt(squares / N - *mean * *mean);
}

TEST(moments_of_the_distributions)
{
    double mean, deviation, low, high;
    cnn_random_uniform(1, 2, N, -2, 4, values);
    moments(&mean, &deviation, &low, &high);
    CHECK(fabs(mean - 1) < 0.02 && fabs(deviation - 6 / sqrt(12)) < 0.02 && low >= -2 && low < -1.99 && high < 4 &&
          high > 3.99);

    cnn_random_normal(3, 4, N, 5, 2, values);
    moments(&mean, &deviation, &low, &high);
    CHECK(fabs(mean - 5) < 0.02 && fabs(deviation - 2) < 0.02 && low < -3 && high > 13);

    cnn_random_truncated_normal(3, 4, N, 5, 2, values);
    moments(&mean, &deviation, &low, &high);
    CHECK(fabs(mean - 5) < 0.02 && fabs(deviation - 2 * 0.87962566) < 0.02 && low >= 1 && high <= 9 && low < 1.1 &&
          high > 8.9);
}

TEST(neighbours_are_not_correlated)
{
    double product = 0;
    cnn_random_normal(9, 0, N, 0, 1, values);
    for (int i = 1; i < N; i++) product += values[i - 1] * values[i];
    CHECK(fabs(product / N) < 0.01);
    cnn_random_normal(9, 1, N, 0, 1, others);
    product = 0;
    for (int i = 0; i < N; i++) product += values[i] * others[i];
    CHECK(fabs(product / N) < 0.01);
}

TEST(an_element_does_not_depend_on_threads_or_length)
{
    cnn_set_threads(1);
    cnn_random_truncated_normal(7, 8, N, 0, 1, values);
    cnn_set_threads(5);
    cnn_random_truncated_normal(7, 8, N, 0, 1, others);
    CHECK(memcmp(values, others, sizeof values) == 0);
    cnn_random_truncated_normal(7, 8, 1000, 0, 1, others);
    CHECK(memcmp(values, others, 1000 * sizeof values[0]) == 0);
    cnn_random_normal(7, 8, 0, 0, 1, others); /* nothing to do */
    cnn_set_threads(0);
}

int main(void)
{
    RUN(philox_known_answers);
    RUN(units_lie_below_one);
    RUN(moments_of_the_distributions);
    RUN(neighbours_are_not_correlated);
    RUN(an_element_does_not_depend_on_threads_or_length);
    return DONE();
}
