#include "tensor/tensor.h"

#include "runtime/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Own storage and its data are one block: [cnn_storage, up to CNN_ALIGNMENT | data]. */
_Static_assert(sizeof(cnn_storage) <= CNN_ALIGNMENT, "the data must stay aligned");

/* Held while the storage of a variable is looked at in order to be retained, and while it is replaced. */
static pthread_mutex_t storage_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_storages(void)
{
    pthread_mutex_lock(&storage_lock);
}

static void unlock_storages(void)
{
    pthread_mutex_unlock(&storage_lock);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(lock_storages, unlock_storages, unlock_storages);
}

static const struct {
    size_t size;
    const char *name;
} dtypes[CNN_DTYPE_COUNT] = {
    [CNN_BOOL] = {1, "bool"},   [CNN_UINT8] = {1, "uint8"},     [CNN_INT32] = {4, "int32"},
    [CNN_INT64] = {8, "int64"}, [CNN_FLOAT32] = {4, "float32"}, [CNN_FLOAT64] = {8, "float64"},
};

size_t cnn_dtype_size(cnn_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *cnn_dtype_name(cnn_dtype dtype)
{
    return dtypes[dtype].name;
}

const char *cnn_shape_text(const cnn_shape *shape, char buffer[CNN_SHAPE_TEXT])
{
    int at = snprintf(buffer, CNN_SHAPE_TEXT, "(");
    for (int i = 0; i < shape->ndim; i++)
        at += snprintf(buffer + at, CNN_SHAPE_TEXT - (size_t)at, i ? ", %lld" : "%lld", (long long)shape->dim[i]);
    snprintf(buffer + at, CNN_SHAPE_TEXT - (size_t)at, shape->ndim == 1 ? ",)" : ")");
    return buffer;
}

cnn_status cnn_shape_size(const cnn_shape *shape, int64_t *size)
{
    int64_t n = 1;
    bool empty = false, huge = false;
    char text[CNN_SHAPE_TEXT];
    if (shape->ndim < 0 || shape->ndim > CNN_MAX_NDIM)
        return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions, got %d", CNN_MAX_NDIM, shape->ndim);
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->dim[i] < 0)
            return cnn_fail(CNN_ERR_VALUE, "dimension %d is negative in shape %s", i, cnn_shape_text(shape, text));
        if (shape->dim[i] == 0) empty = true;
        else if (n > ((int64_t)1 << 46) / shape->dim[i]) huge = true;
        else n *= shape->dim[i];
    }
    if (empty) n = 0;
    else if (huge || n > ((int64_t)1 << 46) / (int64_t)cnn_dtype_size(shape->dtype))
        return cnn_fail(CNN_ERR_MEMORY, "a %s tensor of shape %s is larger than any memory",
                        cnn_dtype_name(shape->dtype), cnn_shape_text(shape, text));
    *size = n;
    return CNN_OK;
}

bool cnn_shape_equal(const cnn_shape *a, const cnn_shape *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

cnn_storage *cnn_storage_retain(cnn_storage *storage)
{
    if (storage) atomic_fetch_add(&storage->references, 1);
    return storage;
}

void cnn_storage_release(cnn_storage *storage)
{
    if (!storage || atomic_fetch_sub(&storage->references, 1) != 1) return;
    if (storage->release) storage->release(storage->owner);
    cnn_free(storage);
}

/* A tensor of SHAPE without storage. */
static cnn_status bare_tensor(const cnn_shape *shape, cnn_tensor **out)
{
    int64_t size;
    *out = NULL;
    CNN_TRY(cnn_shape_size(shape, &size));
    cnn_tensor *t = cnn_alloc_zero(sizeof *t);
    if (!t) return CNN_ERR_MEMORY;
    atomic_init(&t->references, 1);
    t->size = size;
    t->shape = *shape;
    *out = t;
    return CNN_OK;
}

static void set_storage(cnn_tensor *t, cnn_storage *storage, void *data, void (*release)(void *), void *owner)
{
    atomic_init(&storage->references, 1);
    storage->data = t->data = data;
    storage->bytes = cnn_tensor_bytes(t);
    storage->release = release;
    storage->owner = owner;
    t->storage = storage;
}

/* Gives up the tensor at *OUT, which has no storage yet. */
static cnn_status give_up(cnn_tensor **out)
{
    cnn_free(*out);
    *out = NULL;
    return CNN_ERR_MEMORY;
}

cnn_status cnn_tensor_wrap(const cnn_shape *shape, void *data, void (*release)(void *), void *owner, cnn_tensor **out)
{
    static _Alignas(CNN_ALIGNMENT) char nothing[CNN_ALIGNMENT];
    CNN_TRY(bare_tensor(shape, out));
    cnn_storage *storage = cnn_alloc(sizeof *storage);
    if (!storage) return give_up(out);
    set_storage(*out, storage, data ? data : nothing, release, owner); /* an empty array may lie nowhere */
    return CNN_OK;
}

cnn_status cnn_tensor_new(const cnn_shape *shape, cnn_tensor **out)
{
    CNN_TRY(bare_tensor(shape, out));
    cnn_storage *storage = cnn_alloc(CNN_ALIGNMENT + cnn_tensor_bytes(*out));
    if (!storage) return give_up(out);
    set_storage(*out, storage, (char *)storage + CNN_ALIGNMENT, NULL, NULL);
    return CNN_OK;
}

cnn_status cnn_tensor_zeros(const cnn_shape *shape, cnn_tensor **out)
{
    CNN_TRY(cnn_tensor_new(shape, out));
    memset((*out)->data, 0, cnn_tensor_bytes(*out));
    return CNN_OK;
}

cnn_status cnn_tensor_view(cnn_tensor *t, const cnn_shape *shape, cnn_tensor **out)
{
    cnn_shape with_dtype = *shape;
    with_dtype.dtype = t->shape.dtype;
    CNN_TRY(bare_tensor(&with_dtype, out));
    if ((*out)->size > t->size) {
        char a[CNN_SHAPE_TEXT], b[CNN_SHAPE_TEXT];
        give_up(out);
        return cnn_fail(CNN_ERR_VALUE, "%s does not hold the elements of %s", cnn_shape_text(&t->shape, a),
                        cnn_shape_text(shape, b));
    }
    if (t->variable) lock_storages();
    (*out)->storage = cnn_storage_retain(t->storage);
    (*out)->data = t->data;
    if (t->variable) unlock_storages();
    return CNN_OK;
}

cnn_status cnn_tensor_today(cnn_tensor *t, cnn_tensor **out)
{
    if (!t->variable) {
        *out = cnn_tensor_retain(t);
        return CNN_OK;
    }
    CNN_TRY(cnn_tensor_view(t, &t->shape, out));
    (*out)->origin = cnn_tensor_retain(t);
    return CNN_OK;
}

cnn_status cnn_tensor_ghost(const cnn_tensor *t, cnn_tensor **out)
{
    return bare_tensor(&t->shape, out);
}

cnn_status cnn_tensor_copy(const cnn_tensor *t, cnn_tensor **out)
{
    CNN_TRY(cnn_tensor_new(&t->shape, out));
    memcpy((*out)->data, t->data, cnn_tensor_bytes(t));
    return CNN_OK;
}

cnn_tensor *cnn_tensor_retain(cnn_tensor *t)
{
    if (t) atomic_fetch_add(&t->references, 1);
    return t;
}

void cnn_tensor_release(cnn_tensor *t)
{
    if (!t || atomic_fetch_sub(&t->references, 1) != 1) return;
    cnn_storage_release(t->storage);
    cnn_tensor_release(t->origin);
    cnn_tensor_release(t->logits);
    cnn_free(t);
}

void cnn_tensor_set_logits(cnn_tensor *t, cnn_activation act, cnn_tensor *logits)
{
    if (t->logits || logits->logits) return;
    t->logits = cnn_tensor_retain(logits);
    t->logits_of = act;
}

bool cnn_tensor_owns_storage(const cnn_tensor *t)
{
    return t->storage && !t->storage->release && atomic_load(&t->storage->references) == 1;
}

bool cnn_tensor_is_exclusive(const cnn_tensor *t)
{
    return atomic_load(&t->references) == 1 && cnn_tensor_owns_storage(t);
}

void cnn_tensor_set_storage(cnn_tensor *t, cnn_tensor *value)
{
    lock_storages();
    cnn_storage *old = t->storage;
    t->storage = cnn_storage_retain(value->storage);
    t->data = value->data;
    unlock_storages();
    cnn_storage_release(old);
}
