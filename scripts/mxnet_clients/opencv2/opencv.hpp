// SPDX-License-Identifier: Apache-2.0
/* Stands in for OpenCV where it is not installed: as much of it as MXNet's examples use, which is reading a
 * picture as 8-bit BGR and making it another size. */
#ifndef STAND_IN_OPENCV_HPP
#define STAND_IN_OPENCV_HPP

#include <algorithm>
#include <cassert>
#include <cctype>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#include <stb/stb_image.h>

typedef unsigned char uchar;

namespace cv
{

enum { IMREAD_COLOR = 1 };

struct Size {
    int width, height;
    Size(int width_, int height_) : width(width_), height(height_)
    {
    }
};

/* Three channels, row by row. */
class Mat
{
  public:
    int rows = 0, cols = 0;
    std::vector<uchar> bytes;

    bool empty() const
    {
        return bytes.empty();
    }
    template <class T> T *ptr(int row)
    {
        return reinterpret_cast<T *>(&bytes[static_cast<size_t>(row) * cols * 3]);
    }
};

inline Mat imread(const std::string &path, int)
{
    Mat picture;
    int width, height, channels;
    uchar *pixels = stbi_load(path.c_str(), &width, &height, &channels, 3);
    if (pixels == nullptr)
        return picture;
    picture.rows = height;
    picture.cols = width;
    picture.bytes.assign(pixels, pixels + static_cast<size_t>(width) * height * 3);
    for (size_t i = 0; i < picture.bytes.size(); i += 3)
        std::swap(picture.bytes[i], picture.bytes[i + 2]);
    stbi_image_free(pixels);
    return picture;
}

/* Bilinear, between the centres of pixels. */
inline void resize(Mat &from, Mat &to, Size size)
{
    Mat result;
    result.rows = size.height;
    result.cols = size.width;
    result.bytes.resize(static_cast<size_t>(size.width) * size.height * 3);
    for (int y = 0; y < size.height; y++) {
        const float fy = std::max(0.0f, (y + 0.5f) * from.rows / size.height - 0.5f);
        const int y0 = std::min(static_cast<int>(fy), from.rows - 1), y1 = std::min(y0 + 1, from.rows - 1);
        for (int x = 0; x < size.width; x++) {
            const float fx = std::max(0.0f, (x + 0.5f) * from.cols / size.width - 0.5f);
            const int x0 = std::min(static_cast<int>(fx), from.cols - 1), x1 = std::min(x0 + 1, from.cols - 1);
            for (int c = 0; c < 3; c++) {
                const uchar *first = from.ptr<uchar>(y0) + c, *second = from.ptr<uchar>(y1) + c;
                const float above = first[3 * x0] + (fx - x0) * (first[3 * x1] - first[3 * x0]);
                const float below = second[3 * x0] + (fx - x0) * (second[3 * x1] - second[3 * x0]);
                result.ptr<uchar>(y)[3 * x + c] = static_cast<uchar>(std::lround(above + (fy - y0) * (below - above)));
            }
        }
    }
    to = result;
}

} // namespace cv

#endif
