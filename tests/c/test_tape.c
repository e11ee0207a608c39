#include "autograd/op.h"
#include "autograd/tape.h"
#include "test.h"

#include <pthread.h>

extern const cnn_op cnn_op_add, cnn_op_multiply, cnn_op_greater;

static cnn_tensor *vector(int64_t n, double value, bool trainable)
{
    cnn_shape s = {CNN_FLOAT64, 1, {n}};
    cnn_tensor *t;
    if (cnn_tensor_new(&s, &t) != CNN_OK) return NULL;
    for (int64_t i = 0; i < n; i++) ((double *)t->data)[i] = value;
    t->trainable = t->variable = trainable;
    return t;
}

static double first(const cnn_tensor *t)
{
    return t ? ((const double *)t->data)[0] : -12345;
}

static cnn_status apply2(const cnn_op *op, cnn_tensor *a, cnn_tensor *b, cnn_tensor **out)
{
    cnn_tensor *in[2] = {a, b};
    return cnn_op_apply(op, op->attr_defaults, in, 2, out);
}

static cnn_status gradient(cnn_tape *tape, cnn_tensor *y, cnn_tensor *x, cnn_tensor **grad)
{
    return cnn_tape_gradient(tape, &y, NULL, 1, &x, 1, grad);
}

TEST(square)
{
    cnn_tensor *x = vector(3, 4, true), *y, *g;
    cnn_tape *tape = cnn_tape_new(false, true);
    CHECK(cnn_tape_start(tape) == CNN_OK && cnn_tape_is_recording(tape));
    CHECK(apply2(&cnn_op_multiply, x, x, &y) == CNN_OK && first(y) == 16);
    CHECK(cnn_tape_stop(tape) == CNN_OK && !cnn_tape_is_recording(tape));
    CHECK(gradient(tape, y, x, &g) == CNN_OK && first(g) == 8 && cnn_tensor_is_exclusive(g));
    cnn_tensor_release(g);
    CHECK(fails_with(gradient(tape, y, x, &g), CNN_ERR_RUNTIME, "persistent=True") && g == NULL);
    cnn_tensor_release(x);
    cnn_tensor_release(y);
    cnn_tape_free(tape);
}

TEST(a_tape_of_many_steps_and_leaves)
{
    enum { LEAVES = 300 };
    cnn_tensor *leaves[LEAVES], *grads[LEAVES], *sum = vector(1, 0, false);
    cnn_tape *tape = cnn_tape_new(true, true);
    cnn_tape_start(tape);
    for (int i = 0; i < LEAVES; i++) {
        cnn_tensor *product, *next;
        leaves[i] = vector(1, i, true);
        CHECK(apply2(&cnn_op_multiply, leaves[i], leaves[i], &product) == CNN_OK);
        CHECK(apply2(&cnn_op_add, sum, product, &next) == CNN_OK);
        cnn_tensor_release(product);
        cnn_tensor_release(sum);
        sum = next;
    }
    cnn_tape_stop(tape);
    cnn_tensor *const *watched;
    int count;
    CHECK(cnn_tape_leaves(tape, &watched, &count) == CNN_OK && count == LEAVES && watched[7] == leaves[7]);
    for (int turn = 0; turn < 2; turn++) {
        CHECK(cnn_tape_gradient(tape, &sum, NULL, 1, leaves, LEAVES, grads) == CNN_OK);
        for (int i = 0; i < LEAVES; i++) {
            CHECK(first(grads[i]) == 2.0 * i);
            cnn_tensor_release(grads[i]);
        }
    }
    for (int i = 0; i < LEAVES; i++) cnn_tensor_release(leaves[i]);
    cnn_tensor_release(sum);
    cnn_tape_free(tape);
}

TEST(what_is_not_followed_is_not_recorded)
{
    cnn_tensor *x = vector(2, 1, false), *y, *g, *mask;
    cnn_tape *tape = cnn_tape_new(false, true);
    cnn_tape_start(tape);
    CHECK(apply2(&cnn_op_add, x, x, &y) == CNN_OK && y->tape_id == 0);
    cnn_tensor_release(y);
    CHECK(cnn_tape_watch(tape, x) == CNN_OK && cnn_tape_watch(tape, x) == CNN_OK);
    CHECK(apply2(&cnn_op_greater, x, x, &mask) == CNN_OK && mask->tape_id == 0);
    CHECK(fails_with(cnn_tape_watch(tape, mask), CNN_ERR_TYPE, "only float tensors can be watched, got bool"));
    CHECK(apply2(&cnn_op_add, x, x, &y) == CNN_OK && y->tape_id != 0);
    CHECK(gradient(tape, y, x, &g) == CNN_OK && first(g) == 2);
    cnn_tensor_release(g);
    cnn_tensor_release(y);
    CHECK(apply2(&cnn_op_add, x, x, &y) == CNN_OK && y->tape_id == 0); /* the tape is used up */
    cnn_tape_stop(tape);
    cnn_tensor_release(x);
    cnn_tensor_release(y);
    cnn_tensor_release(mask);
    cnn_tape_free(tape);
}

TEST(tapes_side_by_side)
{
    cnn_tape *outer = cnn_tape_new(false, true), *inner = cnn_tape_new(false, true);
    cnn_tensor *x = vector(2, 3, true), *y, *z, *g;
    CHECK(cnn_tape_start(outer) == CNN_OK && cnn_tape_start(inner) == CNN_OK);
    CHECK(fails_with(cnn_tape_start(outer), CNN_ERR_RUNTIME, "already recording"));
    CHECK(apply2(&cnn_op_multiply, x, x, &y) == CNN_OK);
    CHECK(apply2(&cnn_op_multiply, y, x, &z) == CNN_OK);
    CHECK(gradient(inner, z, x, &g) == CNN_OK && first(g) == 27);
    cnn_tensor_release(y);
    CHECK(apply2(&cnn_op_multiply, g, x, &y) == CNN_OK);
    cnn_tensor_release(g);
    CHECK(fails_with(gradient(outer, y, x, &g), CNN_ERR_RUNTIME, "second derivatives") && g == NULL);
    cnn_tape_free(outer); /* also stops it */
    CHECK(cnn_tape_stop(inner) == CNN_OK && cnn_tape_start(inner) == CNN_OK);
    cnn_tape_free(inner);
    cnn_tensor_release(x);
    cnn_tensor_release(y);
    cnn_tensor_release(z);
}

static void *abuse(void *argument)
{
    cnn_tape *tape = argument;
    cnn_tensor *x = vector(1, 1, false), *y, *g;
    CHECK(fails_with(cnn_tape_stop(tape), CNN_ERR_RUNTIME, "recording in another thread"));
    CHECK(fails_with(cnn_tape_start(tape), CNN_ERR_RUNTIME, "recording in another thread"));
    CHECK(fails_with(cnn_tape_watch(tape, x), CNN_ERR_RUNTIME, "recording in another thread"));
    CHECK(fails_with(cnn_tape_reset(tape), CNN_ERR_RUNTIME, "recording in another thread"));
    CHECK(fails_with(gradient(tape, x, x, &g), CNN_ERR_RUNTIME, "recording in another thread"));
    CHECK(apply2(&cnn_op_add, x, x, &y) == CNN_OK && y->tape_id == 0);
    cnn_tensor_release(x);
    cnn_tensor_release(y);
    cnn_tape_free(tape); /* left to its thread */
    return NULL;
}

TEST(other_threads)
{
    pthread_t thread;
    cnn_tape *tape = cnn_tape_new(false, true);
    cnn_tensor *x = vector(1, 3, true), *y;
    CHECK(cnn_tape_start(tape) == CNN_OK);
    pthread_create(&thread, NULL, abuse, tape);
    pthread_join(thread, NULL);
    CHECK(apply2(&cnn_op_add, x, x, &y) == CNN_OK && y->tape_id == 0); /* it is gone */
    cnn_tensor_release(x);
    cnn_tensor_release(y);
}

static void *train_alone(void *argument)
{
    double factor = (double)(uintptr_t)argument;
    for (int i = 0; i < 500; i++) {
        cnn_tensor *x = vector(10, factor, true), *y, *g;
        cnn_tape *tape = cnn_tape_new(false, true);
        bool ok = cnn_tape_start(tape) == CNN_OK && apply2(&cnn_op_multiply, x, x, &y) == CNN_OK &&
                  cnn_tape_stop(tape) == CNN_OK && gradient(tape, y, x, &g) == CNN_OK && first(g) == 2 * factor;
        cnn_tensor_release(x);
        cnn_tensor_release(y);
        cnn_tensor_release(g);
        cnn_tape_free(tape);
        if (!ok) return "wrong gradient";
    }
    return NULL;
}

TEST(eight_threads_with_tapes_of_their_own)
{
    pthread_t threads[8];
    for (uintptr_t i = 0; i < 8; i++) pthread_create(&threads[i], NULL, train_alone, (void *)(i + 1));
    for (int i = 0; i < 8; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        CHECK(complaint == NULL);
    }
}

TEST(every_allocation_may_fail)
{
    int n = 1;
    cnn_status status = CNN_ERR_MEMORY;
    for (; status != CNN_OK && n < 200; n++) {
        cnn_tensor *x = vector(3, 2, true), *y = NULL, *z = NULL, *g = NULL;
        cnn_memory_fail_at(n);
        cnn_tape *tape = cnn_tape_new(false, true);
        status = tape ? cnn_tape_start(tape) : CNN_ERR_MEMORY;
        if (status == CNN_OK) status = apply2(&cnn_op_multiply, x, x, &y);
        if (status == CNN_OK) status = apply2(&cnn_op_add, y, x, &z);
        if (status == CNN_OK) status = gradient(tape, z, x, &g);
        cnn_memory_fail_at(0);
        CHECK(status == CNN_ERR_MEMORY || (status == CNN_OK && first(g) == 5));
        cnn_tensor_release(x);
        cnn_tensor_release(y);
        cnn_tensor_release(z);
        cnn_tensor_release(g);
        cnn_tape_free(tape);
    }
    CHECK(n > 15 && status == CNN_OK);
}

int main(void)
{
    RUN(square);
    RUN(a_tape_of_many_steps_and_leaves);
    RUN(what_is_not_followed_is_not_recorded);
    RUN(tapes_side_by_side);
    RUN(other_threads);
    RUN(eight_threads_with_tapes_of_their_own);
    RUN(every_allocation_may_fail);
    return DONE();
}
