/* input.c - JSON, forms and multipart folded into one kind of tree.
 *
 * The tree of a form is built by hand: "a[b][0]" walks down from the root, making objects (members keep their order) as it goes;
 * objects whose names are all numbers or empty become arrays at the end. Depth and count are bounded as in JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/input.h"

#include "proto/http/http.h"
#include "proto/url/multipart.h"
#include "proto/url/url.h"

#define FORM_DEPTH_MAX 8
#define FORM_PAIRS_MAX 2000 /* looked up one by one */

static bool parse_json(struct arena *arena, struct str text, const struct json **ret, const char **ret_why) {
    struct json_error error;
    if (json_parse(arena, text, ret, &error)) return true;
    *ret_why = error.why;
    return false;
}

static struct json *new_node(struct arena *arena, enum json_type type, struct str key) {
    struct json *node = ARENA_NEW(arena, struct json);
    node->type = type;
    node->key = key;
    return node;
}

/* Form members are appended with `first` kept last-to-first while the tree grows; finish() turns them round. */
static void push(struct json *parent, struct json *child) {
    child->next = parent->first;
    parent->first = child;
    parent->count++;
}

static struct json *find_child(struct json *parent, struct str key) {
    for (struct json *it = parent->first; it; it = it->next) {
        if (str_eq_nocase(it->key, key)) return it;
    }
    return NULL;
}

/* Take the next "[part]" off *rest. */
static bool next_bracket(struct str *rest, struct str *ret_part) {
    if (rest->n < 2 || rest->p[0] != '[') return false;
    size_t end = str_find(*rest, ']');
    if (end == STR_NONE) return false;
    *ret_part = str_sub(*rest, 1, end - 1);
    *rest = str_sub(*rest, end + 1, SIZE_MAX);
    return true;
}

/* The member `key` of parent as an object to put things into; NULL when a scalar stands there. An empty key is a new one. */
static struct json *descend(struct arena *arena, struct json *parent, struct str key) {
    struct json *child = key.n ? find_child(parent, key) : NULL;
    if (!child) {
        child = new_node(arena, JSON_OBJECT, key);
        push(parent, child);
    }
    return child->type == JSON_OBJECT ? child : NULL;
}

static bool add_pair(struct arena *arena, struct json *root, struct str name, struct str value) {
    size_t bracket = str_find(name, '[');
    struct str key = bracket == STR_NONE || bracket == 0 ? name : str_sub(name, 0, bracket);
    struct str rest = str_sub(name, key.n, SIZE_MAX), part;
    struct json *parent = root;
    for (unsigned depth = 0; next_bracket(&rest, &part); depth++) {
        parent = depth < FORM_DEPTH_MAX ? descend(arena, parent, key) : NULL;
        if (!parent) return false;
        key = part;
    }
    if (rest.n) return false;
    struct json *old = key.n ? find_child(parent, key) : NULL;
    struct json *node = old;
    if (!node) {
        node = new_node(arena, JSON_STRING, key);
        push(parent, node);
    }
    node->type = JSON_STRING; /* the last of equal names wins */
    node->text = value;
    return true;
}

static bool is_index(struct str key) {
    uint64_t n;
    return key.n == 0 || str_to_u64(key, &n);
}

static bool is_structure(struct str value) {
    struct str trimmed = str_trim(value);
    if (trimmed.n < 2) return false;
    char first = trimmed.p[0], last = trimmed.p[trimmed.n - 1];
    return (first == '[' && last == ']') || (first == '{' && last == '}');
}

const struct json *input_unfold(struct arena *arena, const struct json *value) {
    struct json_error error;
    const struct json *parsed;
    if (!json_is(value, JSON_STRING) || !is_structure(value->text)) return value;
    return json_parse(arena, value->text, &parsed, &error) ? parsed : value;
}

/* Inside a structure a leaf that reads as a JSON list or object is one; all else stays text. */
static void finish_leaf(struct arena *arena, struct json *leaf) {
    const struct json *unfolded = input_unfold(arena, leaf);
    if (unfolded == leaf) return;
    struct json *next = leaf->next;
    struct str key = leaf->key;
    *leaf = *unfolded;
    leaf->next = next;
    leaf->key = key;
}

/* Turn members round into the order they came in, and numbered objects into arrays. Depth is bounded by add_pair. */
static void finish(struct arena *arena, struct json *node, unsigned depth) {
    if (node->type == JSON_STRING) {
        if (depth > 1) finish_leaf(arena, node);
        return;
    }
    struct json *turned = NULL;
    bool is_array = depth > 0;
    for (struct json *it = node->first, *next; it; it = next) {
        next = it->next;
        it->next = turned;
        turned = it;
        if (!is_index(it->key)) is_array = false;
    }
    node->first = turned;
    if (is_array) node->type = JSON_ARRAY;
    for (struct json *it = turned; it; it = it->next) {
        if (is_array) it->key = (struct str){0};
        finish(arena, it, depth + 1);
    }
}

/* An object of all pairs; text leaves only, until finish(). */
static bool fold(struct arena *arena, const struct url_param *pairs, const struct json **ret, const char **ret_why) {
    struct json *root = new_node(arena, JSON_OBJECT, (struct str){0});
    size_t count = 0;
    for (const struct url_param *it = pairs; it; it = it->next) {
        if (++count > FORM_PAIRS_MAX || !add_pair(arena, root, it->name, it->value)) {
            *ret_why = "the parameters have too many parts or names that contradict each other";
            return false;
        }
    }
    finish(arena, root, 0);
    *ret = root;
    return true;
}

bool input_parse_form(struct arena *arena, struct str text, const struct json **ret, const char **ret_why) {
    struct url_params params = {0};
    if (url_params_parse(arena, text, &params) != STATUS_OK) {
        *ret_why = "the parameters are not a well-formed query or form";
        return false;
    }
    return fold(arena, params.first, ret, ret_why);
}

static bool parse_multipart(struct arena *arena, struct str content_type, struct str text, const struct json **ret,
                            const char **ret_why) {
    struct str boundary;
    struct multipart_part *part;
    struct url_params params = {0};
    *ret_why = "the body is not well-formed multipart/form-data";
    if (!http_parameter(arena, content_type, STR("boundary"), &boundary)) return false;
    if (multipart_parse(arena, text, boundary, &part) != STATUS_OK) return false;
    for (; part; part = part->next) {
        if (!str_is_utf8(part->name) || !str_is_utf8(part->data)) return false;
        if (str_find(part->data, '\0') != STR_NONE || str_find(part->name, '\0') != STR_NONE) return false;
        if (url_params_add(arena, &params, part->name, part->data) != STATUS_OK) return false;
    }
    return fold(arena, params.first, ret, ret_why);
}

bool input_parse_body(struct arena *arena, struct str content_type, struct str text, const struct json **ret,
                      const char **ret_why) {
    struct str trimmed = str_trim(text), type = http_media_type(content_type);
    *ret = NULL;
    if (trimmed.n == 0) return true;
    if (trimmed.p[0] == '{') return parse_json(arena, text, ret, ret_why);
    if (str_eq_nocase(type, STR("multipart/form-data"))) return parse_multipart(arena, content_type, text, ret, ret_why);
    if (str_eq_nocase(type, STR("application/x-www-form-urlencoded"))) return input_parse_form(arena, text, ret, ret_why);
    *ret_why = "the body is neither a JSON object nor a form";
    return false;
}

void input_add(struct arena *arena, struct json **object, struct str name, struct str value) {
    if (!*object) *object = new_node(arena, JSON_OBJECT, (struct str){0});
    struct json *member = new_node(arena, JSON_STRING, name);
    member->text = value;
    push(*object, member);
}

/* Missing, null and "" are one case. */
static const struct json *find_given(const struct json *object, struct str name) {
    const struct json *value = object ? json_find_nocase(object, name) : NULL;
    if (!value || value->type == JSON_NULL) return NULL;
    return value->type == JSON_STRING && value->text.n == 0 ? NULL : value;
}

const struct json *input_find(const struct input *input, struct str name) {
    const struct json *value = find_given(input->path, name);
    if (!value) value = find_given(input->body, name);
    return value ? value : find_given(input->query, name);
}

struct str input_text(const struct input *input, struct str name) {
    const struct json *value = input_find(input, name);
    if (json_is(value, JSON_STRING) || json_is(value, JSON_NUMBER)) return value->text;
    return (struct str){0};
}
