/* See optimizer.h. The elements of all variables are thought of as one row, cut into pieces of equal length; what a
 * piece holds of one variable is a segment. Pieces depend on the sizes alone, so the bits do not depend on the thread
 * count, and a hundred small variables cost one parallel region, or none if all are small. */
#include "optimizers/optimizer.h"

#include "kernels/kernels.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <math.h>
#include <string.h>

#define CNN_RULE(name) extern const cnn_rule cnn_rule_##name;
#include "optimizers/rules.def"
#undef CNN_RULE

const cnn_rule *const cnn_all_rules[] = {
#define CNN_RULE(name) &cnn_rule_##name,
#include "optimizers/rules.def"
#undef CNN_RULE
    NULL,
};

#define GRAIN 32768 /* elements per piece */
#define BLOCK 1024  /* elements whose changed gradient is kept on the stack */

const cnn_rule *cnn_rule_find(const char *name)
{
    for (int i = 0; cnn_all_rules[i]; i++)
        if (strcmp(cnn_all_rules[i]->name, name) == 0) return cnn_all_rules[i];
    return NULL;
}

/* ---- checks ---- */

static cnn_status check_like(const cnn_optimizer_job *job, int i, const cnn_tensor *t, const char *what)
{
    char a[CNN_SHAPE_TEXT], b[CNN_SHAPE_TEXT];
    const cnn_shape *own = &job->variables[i]->shape;
    if (cnn_shape_equal(own, &t->shape) && own->dtype == t->shape.dtype) return CNN_OK;
    return cnn_fail(CNN_ERR_VALUE,
                    "variable %d (\"%s\") is %s of shape %s but its %s is %s of shape %s; they must agree", i,
                    job->names && job->names[i] ? job->names[i] : "?", cnn_dtype_name(own->dtype),
                    cnn_shape_text(own, a), what, cnn_dtype_name(t->shape.dtype), cnn_shape_text(&t->shape, b));
}

static cnn_status check(const cnn_optimizer_job *job)
{
    const cnn_rule *rule = job->rule;
    for (int s = 0; s < rule->needed_slots; s++)
        if (!job->slots[s]) return cnn_fail(CNN_ERR_VALUE, "%s needs the slot %s", rule->name, rule->slots[s]);
    for (int i = 0; i < job->count; i++) {
        const cnn_tensor *v = job->variables[i];
        if (!job->gradients[i]) continue;
        if (!cnn_dtype_is_float(v->shape.dtype))
            return cnn_fail(CNN_ERR_TYPE,
                            "variable %d (\"%s\") is %s; only float32 and float64 variables can be optimized", i,
                            job->names && job->names[i] ? job->names[i] : "?", cnn_dtype_name(v->shape.dtype));
        CNN_TRY(check_like(job, i, job->gradients[i], "gradient"));
        for (int s = 0; rule->slots[s]; s++)
            if (job->slots[s]) CNN_TRY(check_like(job, i, job->slots[s][i], rule->slots[s]));
    }
    return CNN_OK;
}

/* What somebody else can see must not change under him. */
static cnn_status make_own(cnn_tensor *t)
{
    cnn_tensor *own;
    if (cnn_tensor_owns_storage(t)) return CNN_OK;
    CNN_TRY(cnn_tensor_copy(t, &own));
    cnn_tensor_set_storage(t, own);
    cnn_tensor_release(own);
    return CNN_OK;
}

static cnn_status make_all_own(const cnn_optimizer_job *job)
{
    for (int i = 0; i < job->count; i++) {
        if (!job->gradients[i]) continue;
        CNN_TRY(make_own(job->variables[i]));
        for (int s = 0; job->rule->slots[s]; s++)
            if (job->slots[s]) CNN_TRY(make_own(job->slots[s][i]));
    }
    return CNN_OK;
}

/* ---- pieces ---- */

typedef struct {
    int variable;
    int64_t begin, n;
    double squares; /* of the gradient, if norms are wanted */
} segment;

typedef struct {
    const cnn_optimizer_job *job;
    segment *segments;
    int segment_count;
    int first[65]; /* the first segment of each piece, and the end */
    int64_t pieces;
    double *scale; /* per variable: times its gradient */
    double limit;  /* of the scaled gradient */
    bool change;   /* whether gradients are scaled or clipped at all */
    double number[CNN_MAX_NUMBERS];
} work;

static void cut(work *w, int64_t total)
{
    const cnn_optimizer_job *job = w->job;
    int64_t piece = 0, begin, end, at = 0;
    w->pieces = cnn_pieces(total, GRAIN);
    w->first[0] = 0;
    cnn_piece_range(total, w->pieces, 0, &begin, &end);
    for (int i = 0; i < job->count; i++) {
        int64_t size = job->gradients[i] ? job->variables[i]->size : 0, done = 0;
        while (done < size) {
            while (at == end) {
                w->first[++piece] = w->segment_count;
                cnn_piece_range(total, w->pieces, piece, &begin, &end);
            }
            int64_t n = size - done < end - at ? size - done : end - at;
            w->segments[w->segment_count++] = (segment){i, done, n, 0};
            done += n;
            at += n;
        }
    }
    while (piece < w->pieces) w->first[++piece] = w->segment_count;
}

static void add_squares(void *context, int64_t piece, int thread)
{
    work *w = context;
    (void)thread;
    for (int k = w->first[piece]; k < w->first[piece + 1]; k++) {
        segment *s = &w->segments[k];
        const cnn_tensor *g = w->job->gradients[s->variable];
        if (g->shape.dtype == CNN_FLOAT32)
            s->squares = cnn_k()->sum_squares_f32(s->n, (const float *)g->data + s->begin);
        else s->squares = cnn_k()->sum_squares_f64(s->n, (const double *)g->data + s->begin);
    }
}

/* What brings a gradient of norm sqrt(SQUARES) down to CLIP; NaN stays NaN. */
static double clip_scale(double squares, double clip)
{
    double norm = sqrt(squares);
    return norm <= clip ? 1 : clip / norm;
}

static void find_scales(work *w)
{
    const cnn_optimizer_job *job = w->job;
    double scale = job->gradient_scale, all = 0;
    for (int i = 0; i < job->count; i++) w->scale[i] = scale;
    w->limit = job->clipvalue > 0 ? job->clipvalue : INFINITY;
    w->change = scale != 1 || job->clipvalue > 0 || job->clipnorm > 0 || job->global_clipnorm > 0;
    if (!(job->clipnorm > 0) && !(job->global_clipnorm > 0)) return;
    cnn_parallel(w->pieces, add_squares, w);
    if (job->clipnorm > 0) {
        for (int k = 0; k < w->segment_count;) {
            int i = w->segments[k].variable;
            double squares = 0;
            for (; k < w->segment_count && w->segments[k].variable == i; k++) squares += w->segments[k].squares;
            w->scale[i] = scale * clip_scale(squares * scale * scale, job->clipnorm);
        }
        return;
    }
    for (int k = 0; k < w->segment_count; k++) all += w->segments[k].squares;
    double shared = scale * clip_scale(all * scale * scale, job->global_clipnorm);
    if (!isfinite(all)) shared = NAN; /* as Keras: an infinite norm makes all of it NaN */
    for (int i = 0; i < job->count; i++) w->scale[i] = shared;
}

static void *element(const cnn_tensor *t, int64_t i)
{
    return (char *)t->data + (size_t)i * cnn_dtype_size(t->shape.dtype);
}

static void update_segment(const work *w, const segment *s)
{
    const cnn_optimizer_job *job = w->job;
    const cnn_tensor *v = job->variables[s->variable], *g = job->gradients[s->variable];
    bool single = v->shape.dtype == CNN_FLOAT32;
    bool decays = job->decay != 0 && (!job->decays || job->decays[s->variable]);
    union {
        float single[BLOCK];
        double wide[BLOCK];
    } changed;
    cnn_update u, decay = {.number = {1 - job->decay, 0}};
    memset(&u, 0, sizeof u);
    memcpy(u.number, w->number, sizeof u.number);
    int64_t block = w->change || decays ? BLOCK : s->n;
    for (int64_t at = 0; at < s->n; at += block) {
        int64_t begin = s->begin + at;
        u.n = s->n - at < block ? s->n - at : block;
        u.variable = element(v, begin);
        u.gradient = element(g, begin);
        for (int k = 0; job->rule->slots[k]; k++)
            if (job->slots[k]) u.slot[k] = element(job->slots[k][s->variable], begin);
        if (w->change) {
            double scale = w->scale[s->variable];
            if (single) cnn_k()->scale_clip_f32(u.n, u.gradient, scale, w->limit, changed.single);
            else cnn_k()->scale_clip_f64(u.n, u.gradient, scale, w->limit, changed.wide);
            u.gradient = &changed;
        }
        if (decays) {
            decay.n = u.n;
            decay.variable = u.variable;
            if (single) cnn_k()->blend_f32(&decay);
            else cnn_k()->blend_f64(&decay);
        }
        job->rule->update(&u, single);
    }
}

static void update_piece(void *context, int64_t piece, int thread)
{
    const work *w = context;
    (void)thread;
    for (int k = w->first[piece]; k < w->first[piece + 1]; k++) update_segment(w, &w->segments[k]);
}

cnn_status cnn_optimizer_step(const cnn_optimizer_job *job)
{
    work w = {.job = job};
    int64_t total = 0;
    CNN_TRY(check(job));
    if (job->rule->prepare) CNN_TRY(job->rule->prepare(job->numbers, job->step, w.number));
    else memcpy(w.number, job->numbers, sizeof w.number);
    CNN_TRY(make_all_own(job));
    for (int i = 0; i < job->count; i++)
        if (job->gradients[i]) total += job->variables[i]->size;
    if (total == 0) return CNN_OK;
    size_t most_segments = (size_t)job->count + 64;
    w.segments = cnn_alloc(most_segments * sizeof *w.segments + (size_t)job->count * sizeof *w.scale);
    if (!w.segments) return CNN_ERR_MEMORY;
    w.scale = (double *)(w.segments + most_segments);
    cut(&w, total);
    find_scales(&w);
    cnn_parallel(w.pieces, update_piece, &w);
    cnn_free(w.segments);
    return CNN_OK;
}
