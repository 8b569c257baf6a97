// SPDX-License-Identifier: Apache-2.0
/* picture IN OUT.ppm rgb|bgr MEAN MEAN MEAN: the short side to 256 (area when shrinking, bilinear when
 * enlarging), the middle 224 x 224, channels in that order, each less its mean, cut off at 0 and 255. */
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#include <stb/stb_image.h>

static const int SHORT_SIDE = 256, CROP = 224;

/* How much of which pixels of a side of `from` a pixel of a side of `to` is made of. */
static std::vector<double> weights_of(int pixel, int from, int to)
{
    const double scale = static_cast<double>(from) / to;
    std::vector<double> weights(static_cast<size_t>(from), 0);
    if (scale <= 1) {
        const double at = std::min(std::max((pixel + 0.5) * scale - 0.5, 0.0), from - 1.0);
        const int first = static_cast<int>(at);
        weights[first] = 1 - (at - first);
        if (first + 1 < from)
            weights[first + 1] = at - first;
        return weights;
    }
    for (int i = static_cast<int>(pixel * scale); i < std::min(from, static_cast<int>(std::ceil((pixel + 1) * scale))); i++)
        weights[i] = (std::min(i + 1.0, (pixel + 1) * scale) - std::max<double>(i, pixel * scale)) / scale;
    return weights;
}

/* Along x, then along y: from width x height to CROP x CROP of the picture scaled to new_width x new_height. */
static std::vector<double> scale(const unsigned char *pixels, int width, int height, int new_width, int new_height)
{
    std::vector<double> narrow(static_cast<size_t>(height) * CROP * 3, 0), small(CROP * CROP * 3, 0);
    for (int x = 0; x < CROP; x++) {
        const std::vector<double> weights = weights_of(x + (new_width - CROP) / 2, width, new_width);
        for (int i = 0; i < width; i++)
            for (int y = 0; weights[i] > 0 && y < height; y++)
                for (int c = 0; c < 3; c++)
                    narrow[(y * CROP + x) * 3 + c] += weights[i] * pixels[(static_cast<size_t>(y) * width + i) * 3 + c];
    }
    for (int y = 0; y < CROP; y++) {
        const std::vector<double> weights = weights_of(y + (new_height - CROP) / 2, height, new_height);
        for (int i = 0; i < height; i++)
            for (int x = 0; weights[i] > 0 && x < CROP * 3; x++)
                small[y * CROP * 3 + x] += weights[i] * narrow[static_cast<size_t>(i) * CROP * 3 + x];
    }
    return small;
}

int main(int count, char **arguments)
{
    int width, height, channels;
    if (count != 7)
        return 2;
    unsigned char *pixels = stbi_load(arguments[1], &width, &height, &channels, 3);
    std::FILE *out = std::fopen(arguments[2], "wb");
    if (pixels == nullptr || out == nullptr) {
        std::printf("%s: %s\n", arguments[1], pixels == nullptr ? stbi_failure_reason() : "cannot write");
        return 1;
    }
    const double factor = static_cast<double>(SHORT_SIDE) / std::min(width, height);
    const std::vector<double> scaled = scale(pixels, width, height, static_cast<int>(std::lround(width * factor)),
                                             static_cast<int>(std::lround(height * factor)));
    std::fprintf(out, "P6\n%d %d\n255\n", CROP, CROP);
    for (size_t i = 0; i < scaled.size(); i += 3) {
        for (int c = 0; c < 3; c++) {
            const double value = scaled[i + (std::strcmp(arguments[3], "bgr") == 0 ? 2 - c : c)];
            const long byte = std::lround(value - std::atof(arguments[4 + c]));
            std::fputc(static_cast<int>(std::min(std::max(byte, 0L), 255L)), out);
        }
    }
    stbi_image_free(pixels);
    return std::fclose(out) == 0 ? 0 : 1;
}
