#include "tensor/tensor.h"
#include "test.h"

static cnn_shape shape2(cnn_dtype dtype, int64_t a, int64_t b)
{
    return (cnn_shape){dtype, 2, {a, b}};
}

TEST(sizes)
{
    int64_t size = -1;
    cnn_shape s = {CNN_FLOAT32, 3, {2, 3, 4}};
    CHECK(cnn_shape_size(&s, &size) == CNN_OK && size == 24);
    s.dim[1] = 0;
    s.dim[2] = INT64_MAX;
    CHECK(cnn_shape_size(&s, &size) == CNN_OK && size == 0);
    s = (cnn_shape){CNN_FLOAT64, 0, {0}};
    CHECK(cnn_shape_size(&s, &size) == CNN_OK && size == 1);
}

TEST(impossible_shapes)
{
    int64_t size;
    cnn_tensor *t;
    cnn_shape s = {CNN_FLOAT32, 9, {0}};
    CHECK(fails_with(cnn_shape_size(&s, &size), CNN_ERR_VALUE, "at most 8 dimensions, got 9"));
    s = shape2(CNN_FLOAT32, 2, -1);
    CHECK(fails_with(cnn_shape_size(&s, &size), CNN_ERR_VALUE, "dimension 1 is negative in shape (2, -1)"));
    s = shape2(CNN_FLOAT32, INT64_MAX, INT64_MAX);
    CHECK(fails_with(cnn_shape_size(&s, &size), CNN_ERR_MEMORY, "larger than any memory"));
    s = shape2(CNN_FLOAT64, (int64_t)1 << 23, (int64_t)1 << 23);
    CHECK(fails_with(cnn_tensor_new(&s, &t), CNN_ERR_MEMORY, "a float64 tensor of shape (8388608, 8388608)"));
    CHECK(t == NULL);
    s = (cnn_shape){
        CNN_FLOAT64, 8, {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};
    CHECK(cnn_shape_size(&s, &size) == CNN_ERR_VALUE); /* its text is as long as one gets */
}

TEST(texts)
{
    char text[CNN_SHAPE_TEXT];
    cnn_shape s = {CNN_FLOAT32, 0, {0}};
    CHECK(strcmp(cnn_shape_text(&s, text), "()") == 0);
    s = (cnn_shape){CNN_FLOAT32, 1, {7}};
    CHECK(strcmp(cnn_shape_text(&s, text), "(7,)") == 0);
    s = shape2(CNN_FLOAT32, 2, 3);
    CHECK(strcmp(cnn_shape_text(&s, text), "(2, 3)") == 0);
    for (int i = 0; i < CNN_DTYPE_COUNT; i++) CHECK(cnn_dtype_size((cnn_dtype)i) > 0 && *cnn_dtype_name((cnn_dtype)i));
}

TEST(views_share_and_copies_do_not)
{
    cnn_tensor *t, *view, *copy, *ghost;
    cnn_shape s = shape2(CNN_FLOAT32, 4, 6), other = shape2(CNN_FLOAT64, 8, 3), larger = shape2(CNN_FLOAT32, 5, 6);
    CHECK(cnn_tensor_zeros(&s, &t) == CNN_OK);
    CHECK((uintptr_t)t->data % 64 == 0 && cnn_tensor_bytes(t) == 96);
    CHECK(cnn_tensor_is_exclusive(t) && cnn_tensor_owns_storage(t));
    CHECK(cnn_tensor_view(t, &other, &view) == CNN_OK);
    CHECK(view->data == t->data && view->shape.dim[0] == 8 && view->shape.dtype == CNN_FLOAT32);
    CHECK(!cnn_tensor_is_exclusive(t) && !cnn_tensor_is_exclusive(view));
    CHECK(
        fails_with(cnn_tensor_view(t, &larger, &ghost), CNN_ERR_VALUE, "(4, 6) does not hold the elements of (5, 6)"));
    CHECK(cnn_tensor_copy(t, &copy) == CNN_OK && copy->data != t->data && cnn_tensor_is_exclusive(copy));
    CHECK(cnn_tensor_ghost(t, &ghost) == CNN_OK && ghost->data == NULL && ghost->size == 24 &&
          !cnn_tensor_owns_storage(ghost));
    cnn_tensor_release(t);
    CHECK(cnn_tensor_is_exclusive(view));
    cnn_tensor_retain(view);
    CHECK(!cnn_tensor_is_exclusive(view) && cnn_tensor_owns_storage(view));
    cnn_tensor_release(view);
    cnn_tensor_release(view);
    cnn_tensor_release(copy);
    cnn_tensor_release(ghost);
    CHECK(cnn_tensor_retain(NULL) == NULL);
    cnn_tensor_release(NULL);
}

static int released;

static void note_release(void *owner)
{
    released += *(int *)owner;
}

TEST(foreign_memory_is_released_once_at_the_end)
{
    int weight = 1;
    float data[6] = {1, 2, 3, 4, 5, 6};
    cnn_shape s = shape2(CNN_FLOAT32, 2, 3);
    cnn_tensor *t, *view;
    released = 0;
    CHECK(cnn_tensor_wrap(&s, data, note_release, &weight, &t) == CNN_OK && t->data == data);
    CHECK(!cnn_tensor_is_exclusive(t) && !cnn_tensor_owns_storage(t));
    CHECK(cnn_tensor_view(t, &s, &view) == CNN_OK);
    cnn_tensor_release(t);
    CHECK(released == 0);
    cnn_tensor_release(view);
    CHECK(released == 1);
    cnn_memory_fail_at(2);
    CHECK(cnn_tensor_wrap(&s, data, note_release, &weight, &t) == CNN_ERR_MEMORY && t == NULL && released == 1);
    s.dim[0] = 0;
    CHECK(cnn_tensor_wrap(&s, NULL, note_release, &weight, &t) == CNN_OK && t->data != NULL && t->size == 0);
    cnn_tensor_release(t);
}

TEST(a_variable_gets_new_storage)
{
    cnn_tensor *variable, *value, *old;
    cnn_shape s = {CNN_FLOAT32, 1, {2}};
    CHECK(cnn_tensor_zeros(&s, &variable) == CNN_OK && cnn_tensor_new(&s, &value) == CNN_OK);
    ((float *)value->data)[0] = 5;
    CHECK(cnn_tensor_view(variable, &s, &old) == CNN_OK);
    CHECK(!cnn_tensor_owns_storage(variable));
    cnn_tensor_set_storage(variable, value);
    CHECK(((float *)variable->data)[0] == 5 && ((float *)old->data)[0] == 0);
    cnn_tensor_set_storage(variable, variable); /* its own */
    cnn_tensor_release(value);
    CHECK(cnn_tensor_owns_storage(variable) && ((float *)variable->data)[0] == 5);
    cnn_tensor_release(variable);
    cnn_tensor_release(old);
}

TEST(every_allocation_may_fail)
{
    cnn_shape s = shape2(CNN_INT32, 3, 3);
    for (int n = 1; n <= 6; n++) {
        cnn_tensor *t = NULL, *view = NULL, *copy = NULL;
        cnn_memory_fail_at(n);
        cnn_status status = cnn_tensor_zeros(&s, &t);
        if (status == CNN_OK) status = cnn_tensor_view(t, &s, &view);
        if (status == CNN_OK) status = cnn_tensor_copy(t, &copy);
        CHECK(status == (n <= 5 ? CNN_ERR_MEMORY : CNN_OK));
        cnn_memory_fail_at(0);
        cnn_tensor_release(t);
        cnn_tensor_release(view);
        cnn_tensor_release(copy);
    }
}

int main(void)
{
    RUN(sizes);
    RUN(impossible_shapes);
    RUN(texts);
    RUN(views_share_and_copies_do_not);
    RUN(foreign_memory_is_released_once_at_the_end);
    RUN(a_variable_gets_new_storage);
    RUN(every_allocation_may_fail);
    return DONE();
}
