/* UTF-16 and WTF-8. */

#include "test.h"

static void check(const uint16_t* utf16, ssize_t utf16_len, const char* wtf8,
                  size_t wtf8_len) {
  char buffer[64];
  char* pointer = NULL;
  size_t length = 12345, room;

  ASSERT_EQ(uv_utf16_length_as_wtf8(utf16, utf16_len), wtf8_len);
  ASSERT_OK(uv_utf16_to_wtf8(utf16, utf16_len, NULL, &length));
  ASSERT_EQ(length, wtf8_len);
  ASSERT_OK(uv_utf16_to_wtf8(utf16, utf16_len, NULL, NULL));

  length = 12345;
  ASSERT_OK(uv_utf16_to_wtf8(utf16, utf16_len, &pointer, &length));
  ASSERT_EQ(length, wtf8_len);
  ASSERT_MEM_EQ(pointer, wtf8, wtf8_len);
  ASSERT_EQ(pointer[wtf8_len], '\0');
  free(pointer);
  pointer = NULL;
  ASSERT_OK(uv_utf16_to_wtf8(utf16, utf16_len, &pointer, NULL));
  ASSERT_MEM_EQ(pointer, wtf8, wtf8_len);
  free(pointer);

  /* With every size of buffer, which is filled as far as possible. */
  for (room = 0; room < sizeof(buffer) - 1; room++) {
    size_t written = room < wtf8_len ? room : wtf8_len;
    memset(buffer, '#', sizeof(buffer));
    pointer = buffer;
    length = room;
    ASSERT_EQ(uv_utf16_to_wtf8(utf16, utf16_len, &pointer, &length),
              room < wtf8_len ? UV_ENOBUFS : 0);
    ASSERT_PTR_EQ(pointer, buffer);
    /* libuv asks for a few bytes too many when a character is cut. */
    ASSERT_GE(length, wtf8_len);
    if (room >= wtf8_len) ASSERT_EQ(length, wtf8_len);
    ASSERT_MEM_EQ(buffer, wtf8, written);
    ASSERT_EQ(buffer[written], '\0');
    ASSERT_EQ(buffer[written + 1], '#');
  }
}

static void check_back(const char* wtf8, const uint16_t* utf16, ssize_t count) {
  uint16_t buffer[64];

  ASSERT_EQ(uv_wtf8_length_as_utf16(wtf8), count + 1);
  memset(buffer, '#', sizeof(buffer));
  uv_wtf8_to_utf16(wtf8, buffer, (size_t) count + 1);
  ASSERT_MEM_EQ(buffer, utf16, (size_t) count * 2);
  ASSERT_EQ(buffer[count], 0);
  ASSERT_EQ(buffer[count + 1], 0x2323);
}

TEST(text_wtf8_of_every_length) {
  const uint16_t utf16[] = {'a',    0x7f,   0x80,   0x7ff,  0x800,  0xffff,
                            0xd800, 0xdc00, 0xdbff, 0xdfff, 0};
  const char* wtf8 = "a\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"
                     "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";

  check(utf16, 10, wtf8, strlen(wtf8));
  check(utf16, -1, wtf8, strlen(wtf8));
  check_back(wtf8, utf16, 10);
}

TEST(text_wtf8_lone_surrogates) {
  const uint16_t utf16[] = {0xdca9, 0xd83d, 0xd83d, 'x', 0xdca9, 0xd83d, 0};
  const char* wtf8 = "\xed\xb2\xa9\xed\xa0\xbd\xed\xa0\xbdx\xed\xb2\xa9"
                     "\xed\xa0\xbd";

  check(utf16, 6, wtf8, strlen(wtf8));
  check_back(wtf8, utf16, 6);
  /* The first half of a pair, at the end of a length that was given. */
  check((const uint16_t[]){0xd83d, 0xdca9}, 1, "\xed\xa0\xbd", 3);
}

TEST(text_wtf8_empty_and_nul) {
  const uint16_t nothing[] = {0};

  check(nothing, 0, "", 0);
  check(nothing, -1, "", 0);
  check_back("", nothing, 0);
  /* With a length a NUL is a character like any other. */
  check((const uint16_t[]){'a', 0, 'b'}, 3, "a\0b", 3);
}

TEST(text_wtf8_invalid) {
  const char* texts[] = {
      "\x80",             "a\xff",       "\xc3",
      "\xc3(",            "\xc0\x80",    "\xc1\xbf",
      "\xe4\xb8",         "\xe4\xb8(",   "\xe4(\xa1",
      "\xf0\x9f\x92",     "\xf0(\x9f\x92", "\xf4\x90\x80\x80",
      "\xf7\xbf\xbf\xbf", "\xf8\x80\x80\x80\x80",
  };
  size_t i;

  for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    ASSERT_EQ(uv_wtf8_length_as_utf16(texts[i]), UV_EINVAL);
}

TEST(text_wtf8_there_and_back) {
  uint32_t unit;

  for (unit = 1; unit <= 0xffff; unit++) {
    uint16_t there = (uint16_t) unit, back[2];
    char buffer[4], *pointer = buffer;
    size_t length = sizeof(buffer) - 1;

    ASSERT_OK(uv_utf16_to_wtf8(&there, 1, &pointer, &length));
    ASSERT_EQ(uv_wtf8_length_as_utf16(buffer), 2);
    uv_wtf8_to_utf16(buffer, back, 2);
    ASSERT_EQ(back[0], unit);
    ASSERT_EQ(back[1], 0);
  }
}
