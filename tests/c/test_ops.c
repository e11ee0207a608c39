/* Every op on odd input: random shapes, dtypes and attributes, and memory that runs out. Whatever comes, an op must
 * answer with results, or with a status and a message, and leave nothing behind. What the results are worth is for the
 * Python tests; here the sanitizers watch. */
#include "autograd/op.h"
#include "autograd/tape.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "test.h"

#include <math.h>

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* Mostly small whole numbers, sometimes something that should be refused. */
static int64_t draw_int(void)
{
    static const int64_t odd[] = {-1, 0, 100, -100, INT64_MAX, INT64_MIN, (int64_t)1 << 31, (int64_t)1 << 40};
    return draw(12) == 0 ? odd[draw(8)] : (int64_t)draw(5) - (draw(4) == 0 ? 2 : 0);
}

static double draw_real(void)
{
    static const double odd[] = {0.0, -0.0, 1e300, -1e300, 1e-310};
    uint32_t kind = draw(16);
    if (kind == 0) return odd[draw(5)];
    if (kind == 1) return NAN;
    if (kind == 2) return draw(2) ? INFINITY : -INFINITY;
    return (double)draw(2000) / 500 - 2;
}

static cnn_dtype draw_dtype(void)
{
    return draw(3) ? (draw(2) ? CNN_FLOAT32 : CNN_FLOAT64) : (cnn_dtype)draw(CNN_DTYPE_COUNT);
}

static void draw_attrs(const cnn_op *op, char *attrs)
{
    memcpy(attrs, op->attr_defaults ? op->attr_defaults : attrs, op->attrs_size);
    for (int i = 0; i < op->attr_count; i++) {
        void *at = attrs + op->attrs[i].offset;
        if (draw(3) == 0) continue; /* the default */
        switch (op->attrs[i].kind) {
        case CNN_ATTR_INT: *(int64_t *)at = draw_int(); break;
        case CNN_ATTR_FLOAT: *(double *)at = draw_real(); break;
        case CNN_ATTR_BOOL: *(bool *)at = draw(2); break;
        case CNN_ATTR_SEED: *(uint64_t *)at = draw(1000); break;
        case CNN_ATTR_DTYPE: *(cnn_dtype *)at = draw_dtype(); break;
        case CNN_ATTR_ENUM: {
            int count = 0;
            while (op->attrs[i].names[count]) count++;
            *(int *)at = (int)draw((uint32_t)count);
            break;
        }
        case CNN_ATTR_INTS: {
            cnn_ints *ints = at;
            if (ints->count == 0 || draw(4) == 0)
                ints->count = draw(8) ? (int64_t)draw(5) : (int64_t)draw(CNN_MAX_INTS + 1);
            bool sound = draw(2);
            for (int64_t k = 0; k < ints->count; k++) ints->at[k] = sound ? 1 + draw(3) : draw_int();
            break;
        }
        }
    }
}

static void fill(cnn_tensor *t)
{
    for (int64_t i = 0; i < t->size; i++) switch (t->shape.dtype) {
        case CNN_BOOL: ((bool *)t->data)[i] = draw(2); break;
        case CNN_UINT8: ((uint8_t *)t->data)[i] = (uint8_t)draw(256); break;
        case CNN_INT32: ((int32_t *)t->data)[i] = draw(20) ? (int32_t)draw(6) - 2 : INT32_MIN; break;
        case CNN_INT64: ((int64_t *)t->data)[i] = draw(20) ? (int64_t)draw(6) - 2 : INT64_MIN; break;
        case CNN_FLOAT32: ((float *)t->data)[i] = (float)draw_real(); break;
        default: ((double *)t->data)[i] = draw_real(); break;
        }
}

/* Shapes that often fit together: drawn from a few dimensions, or the same as the input before. */
static cnn_shape draw_shape(const cnn_shape *before)
{
    static const int64_t dims[] = {0, 1, 2, 3, 4, 5, 7, 9};
    cnn_shape s = {draw_dtype(), (int)draw(6), {0}};
    if (draw(20) == 0) s.ndim = CNN_MAX_NDIM;
    for (int i = 0; i < s.ndim; i++) s.dim[i] = s.ndim > 5 ? 1 + draw(2) : dims[draw(16) ? 1 + draw(7) : 0];
    if (!before || draw(3) == 0) return s;
    cnn_dtype own = s.dtype;
    int64_t last = before->ndim ? before->dim[before->ndim - 1] : 1;
    s = *before;
    if (draw(2)) s = (cnn_shape){s.dtype, 1, {last}}; /* a bias, or scales */
    else if (draw(3) == 0 && s.ndim > 1) s.ndim--;    /* labels */
    else if (draw(3) == 0 && s.ndim == 4)
        s = (cnn_shape){s.dtype, 4, {1 + draw(3), 1 + draw(3), last, 1 + draw(4)}}; /* a kernel */
    if (draw(4) == 0) s.dtype = own;
    return s;
}

enum { MOST_INPUTS = 8 };

/* Shapes that some ops want: a letter stands for a small number, the same for the same. A leading ! makes integers. */
static const struct {
    const char *op, *inputs[MOST_INPUTS];
} wanted[] = {
    {"conv1d", {"nwc", "lcf", "f"}},
    {"conv2d", {"nhwc", "klcf", "f"}},
    {"conv3d", {"ndhwc", "mklcf", "f"}},
    {"conv2d_pool", {"nhwc", "klcf", "f"}},
    {"conv2d_batch_norm", {"nhwc", "klcf", "f", "f", "f", "f", "f"}},
    {"conv1d_transpose", {"nwc", "lfc", "f"}},
    {"conv2d_transpose", {"nhwc", "klfc", "f"}},
    {"conv3d_transpose", {"ndhwc", "mklfc", "f"}},
    {"dense", {"nc", "cf", "f"}},
    {"max_pool2d", {"nhwc"}},
    {"average_pool2d", {"nhwc"}},
    {"global_max_pool2d", {"nhwc"}},
    {"global_average_pool2d", {"nhwc"}},
    {"upsample2d", {"nhwc"}},
    {"zero_pad2d", {"nhwc"}},
    {"resize2d", {"nhwc"}},
    {"affine2d", {"nhwc", "nz"}},
    {"batch_norm_training", {"nhwc", "c", "c"}},
    {"batch_norm_inference", {"nhwc", "c", "c", "c", "c"}},
    {"layer_norm", {"nhwc", "c", "c"}},
    {"group_norm", {"nhwc", "c", "c"}},
    {"take", {"nhc", "!kl"}},
    {"take_along_axis", {"nhc", "!nhk"}},
    {"one_hot", {"!nh"}},
    {"where", {"nhc", "nhc", "c"}},
    {"categorical_crossentropy", {"nc", "nc"}},
    {"sparse_categorical_crossentropy", {"!n", "nc"}},
    {"binary_crossentropy", {"nc", "nc"}},
};

/* The shape of input I of OP as WANTED says, with letters of the sizes DIMS; false if it says nothing. */
static bool wanted_shape(const cnn_op *op, int input, cnn_dtype dtype, const int64_t dims[26], cnn_shape *s)
{
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const char *letters = wanted[i].inputs[input];
        if (strcmp(wanted[i].op, op->name) != 0 || !letters) continue;
        *s = (cnn_shape){dtype, 0, {0}};
        if (*letters == '!') {
            s->dtype = CNN_INT32;
            letters++;
        }
        for (; *letters; letters++) s->dim[s->ndim++] = dims[*letters - 'a'];
        return true;
    }
    return false;
}

/* One call with drawn input, and its gradients where it has them. Returns whether the op took it. */
static bool call(const cnn_op *op, const char *attrs, cnn_tensor **in, int inputs, bool *out_of_memory)
{
    cnn_tensor *out[CNN_MAX_OUTPUTS] = {NULL}, *grads[MOST_INPUTS] = {NULL}, *sources[MOST_INPUTS];
    cnn_tape *tape = cnn_tape_new(false, false);
    int count = 0;
    *out_of_memory = !tape;
    if (!tape) return false;
    cnn_status status = cnn_tape_start(tape);
    for (int i = 0; status == CNN_OK && i < inputs; i++)
        if (in[i] && cnn_dtype_is_float(in[i]->shape.dtype)) {
            status = cnn_tape_watch(tape, in[i]);
            sources[count++] = in[i];
        }
    bool taken = false;
    if (status == CNN_OK) {
        cnn_fail(CNN_OK, "%s", "");
        status = cnn_op_apply(op, attrs, in, inputs, out);
        taken = status == CNN_OK;
        for (int k = 0; k < op->outputs; k++) CHECK((out[k] != NULL) == taken);
        if (!taken) CHECK(*cnn_last_message() != 0);
    }
    cnn_tape_stop(tape);
    if (taken && op->backward && count) {
        cnn_tensor *targets[CNN_MAX_OUTPUTS];
        int target_count = 0;
        for (int k = 0; k < op->outputs; k++)
            if (cnn_dtype_is_float(out[k]->shape.dtype)) targets[target_count++] = out[k];
        status = cnn_tape_gradient(tape, targets, NULL, target_count, sources, count, grads);
        for (int j = 0; j < count; j++) {
            if (!grads[j]) continue;
            CHECK(cnn_shape_equal(&grads[j]->shape, &sources[j]->shape) &&
                  grads[j]->shape.dtype == sources[j]->shape.dtype);
            cnn_tensor_release(grads[j]);
        }
    }
    *out_of_memory = status == CNN_ERR_MEMORY;
    for (int k = 0; k < op->outputs; k++) cnn_tensor_release(out[k]);
    cnn_tape_free(tape);
    return taken;
}

static _Alignas(16) char attrs[1024];

/* Draws a call and makes it; if it goes well, again with the 1st, 2nd, ... allocation failing. */
static bool try_op(const cnn_op *op, bool fail_allocations)
{
    cnn_tensor *in[MOST_INPUTS] = {NULL};
    int inputs = op->variadic ? op->min_inputs + (int)draw(3) : op->max_inputs;
    bool none;
    int64_t dims[26];
    for (int i = 0; i < 26; i++) dims[i] = 1 + draw(7);
    dims[25] = 8; /* z: the numbers of a projective transform */
    bool fitting = draw(4) != 0;
    cnn_dtype dtype = draw(2) ? CNN_FLOAT32 : CNN_FLOAT64;
    memset(attrs, 0, sizeof attrs);
    draw_attrs(op, attrs);
    for (int i = 0; i < inputs; i++) {
        cnn_shape s;
        if (!fitting || !wanted_shape(op, i, dtype, dims, &s))
            s = draw_shape(i && in[i - 1] ? &in[i - 1]->shape : NULL);
        if (i >= op->min_inputs && draw(3) == 0 && !op->variadic) continue;
        if (cnn_tensor_new(&s, &in[i]) == CNN_OK) fill(in[i]);
    }
    bool taken = call(op, attrs, in, inputs, &none);
    if (taken && fail_allocations && !none)
        for (int n = 1; n < 300; n++) {
            size_t before = bytes_in_use();
            cnn_memory_fail_at(n);
            call(op, attrs, in, inputs, &none);
            cnn_memory_fail_at(0);
            if (bytes_in_use() != before)
                fprintf(stderr, "%s: allocation %d failed, and memory was lost\n", op->name, n);
            CHECK(bytes_in_use() == before);
            if (!none) break;
        }
    for (int i = 0; i < inputs; i++) cnn_tensor_release(in[i]);
    return taken;
}

static int rounds = 400;

TEST(odd_input)
{
    cnn_memory_set_limit(bytes_in_use() + (64u << 20));
    for (int k = 0; cnn_all_ops[k]; k++) {
        const cnn_op *op = cnn_all_ops[k];
        int taken = 0;
        for (int i = 0; i < rounds; i++) {
            state = (uint64_t)k * 1000003 + (uint64_t)i;
            draw(2), draw(2);
            size_t before = bytes_in_use();
            taken += try_op(op, taken < 10);
            if (bytes_in_use() != before) {
                fprintf(stderr, "%s: round %d lost memory\n", op->name, i);
                CHECK(bytes_in_use() == before);
                break;
            }
        }
        if (getenv("VERBOSE")) printf("%-32s took %d of %d\n", op->name, taken, rounds);
        if (taken == 0) fprintf(stderr, "%s took none of %d inputs: give it a row in `wanted`\n", op->name, rounds);
        CHECK(taken > 0);
    }
    cnn_memory_set_limit(0);
}

TEST(descriptors)
{
    for (int k = 0; cnn_all_ops[k]; k++) {
        const cnn_op *op = cnn_all_ops[k];
        running = op->name;
        CHECK(op->check && op->forward && op->doc && *op->doc && op->outputs >= 1 && op->outputs <= CNN_MAX_OUTPUTS);
        CHECK(op->attrs_size <= sizeof attrs && (op->attr_count == 0 || op->attrs_size > 0));
        CHECK(op->variadic || op->max_inputs >= op->min_inputs);
        for (int i = 0; i < (op->variadic ? 1 : op->max_inputs); i++) CHECK(op->input_names[i] && *op->input_names[i]);
        for (int i = 0; i < op->attr_count; i++) CHECK(op->attrs[i].offset < op->attrs_size);
        CHECK(op->backward || op->keeps == CNN_KEEP_NOTHING);
    }
}

int main(int count, char **arguments)
{
    if (count > 1) rounds = atoi(arguments[1]);
    cnn_gemm_init();
    RUN(descriptors);
    int levels;
    const char *const *names = cnn_kernels_levels(&levels);
    for (int i = 0; i < levels; i++) {
        CHECK(cnn_kernels_select(names[i]) == CNN_OK);
        RUN(odd_input);
    }
    return DONE();
}
