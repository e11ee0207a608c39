/* See tape.h. A recorded call is one block: [node | attributes | tensors | slots]. Of tensors whose data backward
 * does not read only the shape is kept, so a large activation lives no longer than somebody needs it. */
#include "autograd/tape.h"

#include "kernels/kernels.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

typedef struct node {
    const cnn_op *op;
    void *attrs;
    int inputs, aux_count;
    cnn_tensor **in;  /* inputs, then outputs, then aux */
    int32_t *in_slot; /* -1: not followed */
    int32_t *out_slot;
} node;

typedef struct {
    cnn_tensor *tensor;
    int32_t slot;
} leaf;

struct cnn_tape {
    cnn_tape *outer; /* the tape that began to record before this one, and still does */
    uint64_t id;
    bool persistent, watch_variables, used_up;
    atomic_bool recording, abandoned;
    _Atomic(const char *) thread; /* where it records */
    atomic_flag busy;             /* somebody walks back, or starts */
    node **nodes;
    int node_count, node_room;
    cnn_tensor **leaves; /* what is followed and does not carry the tape's mark, in order */
    int leaf_count, leaf_room;
    leaf *table; /* open addressing by the tensor's address; size is a power of two */
    int table_size;
    int32_t slots;
};

static _Thread_local cnn_tape *innermost;    /* the tapes that record in this thread: this one, its outer, ... */
static _Thread_local const char this_thread; /* its address tells threads apart */
static atomic_ullong next_id = 1;

cnn_tape *cnn_tape_new(bool persistent, bool watch_variables)
{
    cnn_tape *tape = cnn_alloc_zero(sizeof *tape);
    if (!tape) return NULL;
    tape->persistent = persistent;
    tape->watch_variables = watch_variables;
    tape->id = atomic_fetch_add(&next_id, 1);
    atomic_init(&tape->recording, false);
    atomic_init(&tape->abandoned, false);
    atomic_init(&tape->thread, NULL);
    atomic_flag_clear(&tape->busy);
    return tape;
}

/* Makes TAPE this thread's for a while, if it is not another's. */
static cnn_status claim(cnn_tape *tape)
{
    if (atomic_load(&tape->recording) && atomic_load(&tape->thread) != &this_thread)
        return cnn_fail(CNN_ERR_RUNTIME,
                        "this GradientTape is recording in another thread; leave its `with` block there first");
    if (atomic_flag_test_and_set(&tape->busy))
        return cnn_fail(CNN_ERR_RUNTIME, "another thread is computing gradients with this GradientTape");
    return CNN_OK;
}

static void unclaim(cnn_tape *tape)
{
    atomic_flag_clear(&tape->busy);
}

static int kept_tensors(const node *n)
{
    return n->inputs + n->op->outputs + n->aux_count;
}

static void free_node(node *n)
{
    if (!n) return;
    for (int i = 0; i < kept_tensors(n); i++) cnn_tensor_release(n->in[i]);
    cnn_free(n);
}

static void forget(cnn_tape *tape)
{
    for (int i = 0; i < tape->node_count; i++) free_node(tape->nodes[i]);
    for (int i = 0; i < tape->leaf_count; i++) cnn_tensor_release(tape->leaves[i]);
    if (tape->table) memset(tape->table, 0, (size_t)tape->table_size * sizeof *tape->table);
    tape->node_count = tape->leaf_count = 0;
    tape->slots = 0;
    tape->used_up = false;
    tape->id = atomic_fetch_add(&next_id, 1); /* tensors that still carry the old number are strangers now */
}

cnn_status cnn_tape_reset(cnn_tape *tape)
{
    CNN_TRY(claim(tape));
    forget(tape);
    unclaim(tape);
    return CNN_OK;
}

/* Takes TAPE out of this thread's recording ones. */
static void leave(cnn_tape *tape)
{
    cnn_tape **at = &innermost;
    while (*at && *at != tape) at = &(*at)->outer;
    if (*at) *at = tape->outer;
    tape->outer = NULL;
}

void cnn_tape_free(cnn_tape *tape)
{
    if (!tape) return;
    if (atomic_load(&tape->recording) && atomic_load(&tape->thread) != &this_thread) {
        atomic_store(&tape->abandoned, true);
        return;
    }
    leave(tape);
    forget(tape);
    cnn_free(tape->nodes);
    cnn_free(tape->leaves);
    cnn_free(tape->table);
    cnn_free(tape);
}

/* The innermost tape that records in this thread, or NULL. */
static cnn_tape *recording_tapes(void)
{
    for (cnn_tape *tape = innermost, *outer; tape; tape = outer) {
        outer = tape->outer;
        if (atomic_load_explicit(&tape->abandoned, memory_order_acquire)) cnn_tape_free(tape);
    }
    return innermost;
}

cnn_status cnn_tape_start(cnn_tape *tape)
{
    for (const cnn_tape *other = recording_tapes(); other; other = other->outer)
        if (other == tape) return cnn_fail(CNN_ERR_RUNTIME, "this GradientTape is already recording");
    CNN_TRY(claim(tape));
    if (tape->used_up) forget(tape);
    atomic_store(&tape->thread, &this_thread);
    atomic_store(&tape->recording, true);
    tape->outer = innermost;
    innermost = tape;
    unclaim(tape);
    return CNN_OK;
}

cnn_status cnn_tape_stop(cnn_tape *tape)
{
    CNN_TRY(claim(tape));
    leave(tape);
    atomic_store(&tape->recording, false);
    unclaim(tape);
    return CNN_OK;
}

bool cnn_tape_is_recording(const cnn_tape *tape)
{
    return atomic_load(&tape->recording);
}

cnn_status cnn_tape_leaves(cnn_tape *tape, cnn_tensor *const **leaves, int *count)
{
    CNN_TRY(claim(tape));
    *leaves = tape->leaves;
    *count = tape->leaf_count;
    unclaim(tape);
    return CNN_OK;
}

/* ---- which tensors are followed ---- */

static leaf *find_leaf(const cnn_tape *tape, const cnn_tensor *t)
{
    size_t mask = (size_t)tape->table_size - 1;
    size_t at = ((uintptr_t)t >> 6) * 0x9E3779B97F4A7C15u >> 20 & mask;
    while (tape->table[at].tensor && tape->table[at].tensor != t) at = (at + 1) & mask;
    return &tape->table[at];
}

static cnn_status grow(void **array, int *room, int needed, size_t item)
{
    if (needed <= *room) return CNN_OK;
    int bigger = *room ? *room * 2 : 64;
    void *moved = cnn_realloc(*array, (size_t)bigger * item);
    if (!moved) return CNN_ERR_MEMORY;
    *array = moved;
    *room = bigger;
    return CNN_OK;
}

static cnn_status add_leaf(cnn_tape *tape, cnn_tensor *t)
{
    CNN_TRY(grow((void **)&tape->leaves, &tape->leaf_room, tape->leaf_count + 1, sizeof *tape->leaves));
    if ((tape->leaf_count + 1) * 2 > tape->table_size) {
        int old_size = tape->table_size, size = old_size ? old_size * 2 : 64;
        leaf *old = tape->table, *table = cnn_alloc_zero((size_t)size * sizeof *table);
        if (!table) return CNN_ERR_MEMORY;
        tape->table = table;
        tape->table_size = size;
        for (int i = 0; i < old_size; i++)
            if (old[i].tensor) *find_leaf(tape, old[i].tensor) = old[i];
        cnn_free(old);
    }
    *find_leaf(tape, t) = (leaf){t, tape->slots++};
    tape->leaves[tape->leaf_count++] = cnn_tensor_retain(t);
    return CNN_OK;
}

/* The tensor that T stands for. */
static cnn_tensor *identity(cnn_tensor *t)
{
    return t && t->origin ? t->origin : t;
}

/* The slot of T, or -1. */
static int32_t slot_of(const cnn_tape *tape, cnn_tensor *t)
{
    t = identity(t);
    if (!t) return -1;
    if (t->tape_id == tape->id) return t->slot;
    if (tape->leaf_count == 0) return -1;
    const leaf *entry = find_leaf(tape, t);
    return entry->tensor ? entry->slot : -1;
}

static bool follows(const cnn_tape *tape, cnn_tensor *t)
{
    return t && ((tape->watch_variables && identity(t)->trainable) || slot_of(tape, t) >= 0);
}

static bool follows_any(const cnn_tape *tape, cnn_tensor *const *in, int inputs)
{
    if (tape->used_up) return false;
    for (int i = 0; i < inputs; i++)
        if (follows(tape, in[i])) return true;
    return false;
}

bool cnn_tape_follows(cnn_tensor *const *in, int inputs)
{
    for (const cnn_tape *tape = recording_tapes(); tape; tape = tape->outer)
        if (follows_any(tape, in, inputs)) return true;
    return false;
}

cnn_status cnn_tape_watch(cnn_tape *tape, cnn_tensor *t)
{
    if (!cnn_dtype_is_float(t->shape.dtype))
        return cnn_fail(CNN_ERR_TYPE, "only float tensors can be watched, got %s; convert it with .astype('float32')",
                        cnn_dtype_name(t->shape.dtype));
    CNN_TRY(claim(tape));
    if (tape->used_up) forget(tape);
    cnn_status status = slot_of(tape, t) >= 0 ? CNN_OK : add_leaf(tape, identity(t));
    unclaim(tape);
    return status;
}

/* ---- recording ---- */

/* What the node keeps of T: the tensor, or only its shape. A variable may be assigned before backward runs, so of it
 * an alias is kept that holds on to today's storage. */
static cnn_status keep(cnn_tensor *t, bool data, cnn_tensor **out)
{
    *out = NULL;
    if (!t) return CNN_OK;
    if (!data) return cnn_tensor_ghost(t, out);
    if (t->variable) return cnn_tensor_view(t, &t->shape, out);
    *out = cnn_tensor_retain(t);
    return CNN_OK;
}

/* Gives a result of a call a slot on TAPE. A tensor has room for the mark of one tape; others hold it as a leaf. */
static cnn_status follow(cnn_tape *tape, cnn_tensor *t, bool marked, int32_t *slot)
{
    *slot = -1;
    if (!cnn_dtype_is_float(t->shape.dtype)) return CNN_OK;
    *slot = tape->slots;
    if (marked) return add_leaf(tape, t);
    t->slot = tape->slots++;
    t->tape_id = tape->id;
    return CNN_OK;
}

/* MARKED: another tape has put its mark on the results. */
static cnn_status record(cnn_tape *tape, const cnn_call *c, bool marked)
{
    const cnn_op *op = c->op;
    CNN_TRY(grow((void **)&tape->nodes, &tape->node_room, tape->node_count + 1, sizeof *tape->nodes));
    size_t tensors = (size_t)(c->inputs + op->outputs + c->aux_count);
    size_t attrs_bytes = (op->attrs_size + 7) & ~(size_t)7;
    size_t bytes = sizeof(node) + attrs_bytes + tensors * sizeof(cnn_tensor *) +
                   (size_t)(c->inputs + op->outputs) * sizeof(int32_t);
    node *n = cnn_alloc_zero(bytes);
    if (!n) return CNN_ERR_MEMORY;
    n->op = op;
    n->inputs = c->inputs;
    n->aux_count = c->aux_count;
    n->attrs = n + 1;
    n->in = (cnn_tensor **)((char *)n->attrs + attrs_bytes);
    n->in_slot = (int32_t *)(n->in + tensors);
    n->out_slot = n->in_slot + c->inputs;
    if (op->attrs_size) memcpy(n->attrs, c->attrs, op->attrs_size);

    cnn_status status = CNN_OK;
    for (int i = 0; status == CNN_OK && i < c->inputs; i++) {
        if (slot_of(tape, c->in[i]) < 0 && follows(tape, c->in[i])) status = add_leaf(tape, identity(c->in[i]));
        n->in_slot[i] = slot_of(tape, c->in[i]);
        if (status == CNN_OK) status = keep(c->in[i], op->keeps & CNN_KEEP_INPUT(op->variadic ? 0 : i), &n->in[i]);
    }
    for (int k = 0; status == CNN_OK && k < op->outputs; k++)
        status = keep(c->out[k], op->keeps & CNN_KEEP_OUTPUT, &n->in[c->inputs + k]);
    for (int k = 0; status == CNN_OK && k < op->outputs; k++) status = follow(tape, c->out[k], marked, &n->out_slot[k]);
    if (status != CNN_OK) {
        free_node(n);
        return status;
    }
    for (int k = 0; k < c->aux_count; k++) n->in[c->inputs + op->outputs + k] = cnn_tensor_retain(c->aux[k]);
    tape->nodes[tape->node_count++] = n;
    return CNN_OK;
}

cnn_status cnn_tape_record(cnn_call *c)
{
    bool marked = false;
    for (cnn_tape *tape = innermost; tape; tape = tape->outer) {
        if (!follows_any(tape, c->in, c->inputs)) continue;
        CNN_TRY(record(tape, c, marked));
        marked = true;
    }
    return CNN_OK;
}

/* ---- walking back ---- */

/* Adds G, whose reference is taken, to *SUM. */
static cnn_status accumulate(cnn_tensor **sum, cnn_tensor *g)
{
    cnn_status status = CNN_OK;
    if (!*sum) {
        *sum = g;
        return CNN_OK;
    }
    if (!cnn_tensor_is_exclusive(*sum)) {
        cnn_tensor *own;
        status = cnn_tensor_copy(*sum, &own);
        if (status == CNN_OK) {
            cnn_tensor_release(*sum);
            *sum = own;
        }
    }
    if (status == CNN_OK) {
        if (g->shape.dtype == CNN_FLOAT32) cnn_k()->accumulate_f32(g->size, g->data, (*sum)->data);
        else cnn_k()->accumulate_f64(g->size, g->data, (*sum)->data);
    }
    cnn_tensor_release(g);
    return status;
}

static cnn_status ones_like(const cnn_tensor *t, cnn_tensor **out)
{
    CNN_TRY(cnn_tensor_new(&t->shape, out));
    for (int64_t i = 0; i < t->size; i++) {
        if (t->shape.dtype == CNN_FLOAT32) ((float *)(*out)->data)[i] = 1.0f;
        else ((double *)(*out)->data)[i] = 1.0;
    }
    return CNN_OK;
}

static cnn_status check_weights(cnn_tensor *const *targets, cnn_tensor *const *weights, int count)
{
    char a[CNN_SHAPE_TEXT], b[CNN_SHAPE_TEXT];
    for (int i = 0; weights && i < count; i++) {
        const cnn_tensor *g = weights[i];
        if (g && (!cnn_shape_equal(&g->shape, &targets[i]->shape) || g->shape.dtype != targets[i]->shape.dtype))
            return cnn_fail(CNN_ERR_VALUE, "output gradient %d is %s %s but its target is %s %s; they must agree", i,
                            cnn_dtype_name(g->shape.dtype), cnn_shape_text(&g->shape, a),
                            cnn_dtype_name(targets[i]->shape.dtype), cnn_shape_text(&targets[i]->shape, b));
    }
    return CNN_OK;
}

static cnn_status seed(cnn_tape *tape, cnn_tensor **slots, cnn_tensor *const *targets, cnn_tensor *const *weights,
                       int count)
{
    for (int i = 0; i < count; i++) {
        int32_t slot = slot_of(tape, targets[i]);
        cnn_tensor *g = weights ? weights[i] : NULL;
        if (slot < 0) continue;
        if (g) cnn_tensor_retain(g);
        else CNN_TRY(ones_like(targets[i], &g));
        CNN_TRY(accumulate(&slots[slot], g));
    }
    return CNN_OK;
}

static cnn_status node_backward(const node *n, cnn_tensor **slots)
{
    cnn_call c;
    memset(&c, 0, sizeof c);
    c.op = n->op;
    c.attrs = n->attrs;
    c.inputs = n->inputs;
    c.in = n->in;
    c.aux_count = n->aux_count;
    memcpy(c.out, n->in + n->inputs, (size_t)n->op->outputs * sizeof c.out[0]);
    memcpy(c.aux, n->in + n->inputs + n->op->outputs, (size_t)n->aux_count * sizeof c.aux[0]);

    bool any = false;
    for (int k = 0; k < n->op->outputs; k++) {
        if (n->out_slot[k] < 0 || !slots[n->out_slot[k]]) continue;
        c.grad_out[k] = slots[n->out_slot[k]]; /* moved: the op may be its only holder */
        slots[n->out_slot[k]] = NULL;
        any = true;
    }
    if (!any) return CNN_OK;

    bool needs_inline[16];
    cnn_tensor *grads_inline[16];
    bool *needs = needs_inline;
    cnn_tensor **grads = grads_inline;
    void *block = NULL;
    cnn_status status = CNN_OK;
    if (n->inputs > 16) {
        block = cnn_alloc((size_t)n->inputs * (sizeof *grads + sizeof *needs));
        if (!block) status = CNN_ERR_MEMORY;
        grads = block;
        needs = (bool *)(grads + n->inputs);
    }
    if (status == CNN_OK) {
        memset(grads, 0, (size_t)n->inputs * sizeof *grads);
        for (int i = 0; i < n->inputs; i++) needs[i] = n->in_slot[i] >= 0;
        c.needs_grad = needs;
        c.grad_in = grads;
        status = n->op->backward(&c);
    }
    for (int k = 0; k < n->op->outputs; k++) cnn_tensor_release(c.grad_out[k]);
    for (int i = 0; c.grad_in && i < n->inputs; i++) {
        if (!grads[i]) continue;
        if (status == CNN_OK && needs[i]) status = accumulate(&slots[n->in_slot[i]], grads[i]);
        else cnn_tensor_release(grads[i]);
    }
    cnn_free(block);
    return status;
}

/* The gradients of what N puts out are whole when the walk reaches it, and its backward consumes them: those that are
 * asked for (their slots are marked in WANTED) are held on to before. */
static void save_wanted(const cnn_tape *tape, const node *n, cnn_tensor *const *slots, const bool *wanted,
                        cnn_tensor *const *sources, int source_count, cnn_tensor **grads)
{
    for (int k = 0; k < n->op->outputs; k++) {
        int32_t slot = n->out_slot[k];
        if (slot < 0 || !wanted[slot]) continue;
        for (int j = 0; j < source_count; j++)
            if (slot_of(tape, sources[j]) == slot) grads[j] = cnn_tensor_retain(slots[slot]);
    }
}

static cnn_status walk(cnn_tape *tape, cnn_tensor **slots, bool *wanted, cnn_tensor *const *sources, int source_count,
                       cnn_tensor **grads)
{
    for (int j = 0; j < source_count; j++) {
        int32_t slot = slot_of(tape, sources[j]);
        if (slot >= 0) wanted[slot] = true;
    }
    for (int i = tape->node_count - 1; i >= 0; i--) {
        node *n = tape->nodes[i];
        save_wanted(tape, n, slots, wanted, sources, source_count, grads);
        CNN_TRY(node_backward(n, slots));
        if (!tape->persistent) {
            free_node(n);
            tape->nodes[i] = NULL;
            tape->node_count = i;
        }
    }
    for (int j = 0; j < source_count; j++) {
        int32_t slot = slot_of(tape, sources[j]);
        if (slot >= 0 && !grads[j]) grads[j] = cnn_tensor_retain(slots[slot]);
    }
    return CNN_OK;
}

static cnn_status refuse_backward(cnn_call *c)
{
    (void)c;
    return cnn_fail(CNN_ERR_RUNTIME, "second derivatives are not offered: this gradient depends on a gradient that was "
                                     "computed while the tape was recording; where that is a constant, pass it "
                                     "through stop_gradient()");
}

/* How tapes that record while gradients are computed see these: as a function of the targets without a derivative. */
static const cnn_op gradient_op = {.name = "gradient", .variadic = true, .outputs = 1, .backward = refuse_backward};

static cnn_status note_gradients(cnn_tensor *const *targets, int target_count, cnn_tensor **grads, int grad_count)
{
    if (!cnn_tape_follows(targets, target_count)) return CNN_OK;
    for (int j = 0; j < grad_count; j++) {
        if (!grads[j]) continue;
        cnn_call c;
        memset(&c, 0, sizeof c);
        c.op = &gradient_op;
        c.in = (cnn_tensor **)targets;
        c.inputs = target_count;
        c.out[0] = grads[j];
        CNN_TRY(cnn_tape_record(&c));
    }
    return CNN_OK;
}

static cnn_status gradient(cnn_tape *tape, cnn_tensor *const *targets, cnn_tensor *const *weights, int target_count,
                           cnn_tensor *const *sources, int source_count, cnn_tensor **grads)
{
    if (tape->used_up)
        return cnn_fail(CNN_ERR_RUNTIME, "this GradientTape has given its gradients already; make it with "
                                         "GradientTape(persistent=True) to call gradient() more than once");
    CNN_TRY(check_weights(targets, weights, target_count));
    cnn_tensor **slots = cnn_alloc_zero(((size_t)tape->slots + 1) * (sizeof *slots + sizeof(bool)));
    if (!slots) return CNN_ERR_MEMORY;

    cnn_tape *paused = innermost;
    innermost = NULL; /* backward records nothing */
    cnn_status status = seed(tape, slots, targets, weights, target_count);
    if (status == CNN_OK) status = walk(tape, slots, (bool *)(slots + tape->slots + 1), sources, source_count, grads);
    innermost = paused;
    if (status == CNN_OK) status = note_gradients(targets, target_count, grads, source_count);

    for (int32_t i = 0; i < tape->slots; i++) cnn_tensor_release(slots[i]);
    cnn_free(slots);
    if (status != CNN_OK)
        for (int j = 0; j < source_count; j++) {
            cnn_tensor_release(grads[j]);
            grads[j] = NULL;
        }
    if (!tape->persistent) {
        forget(tape);
        tape->used_up = true;
    }
    return status;
}

cnn_status cnn_tape_gradient(cnn_tape *tape, cnn_tensor *const *targets, cnn_tensor *const *weights, int target_count,
                             cnn_tensor *const *sources, int source_count, cnn_tensor **grads)
{
    memset(grads, 0, (size_t)source_count * sizeof *grads);
    CNN_TRY(claim(tape));
    cnn_refresh_threads();
    cnn_status status = gradient(tape, targets, weights, target_count, sources, source_count, grads);
    unclaim(tape);
    return status;
}
