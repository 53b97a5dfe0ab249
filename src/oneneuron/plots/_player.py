"""The animation of a figure as a page that plays it in a notebook, and as a GIF file."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Any
from uuid import uuid4

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

_PAUSE = 2000  # milliseconds on the last frame, before the first one comes again

# Notebooks have styles of their own for images, which would move the layers apart.
_PLAIN = "margin: 0; padding: 0; border: 0; max-width: none"

# A notebook may run the script before the page has the elements, hence the timeout around it. A
# viewer that runs no scripts shows the last frame.
_PAGE = Template("""\
<div id="$id" style="max-width: ${width}px">
<div style="position: relative">
<img src="$back" style="display: block; width: 100%; $plain" alt="">
<img src="$last_shades" style="position: absolute; $place; $plain" alt="">
<img src="$last_lines" style="position: absolute; top: 0; left: 0; width: 100%; $plain" alt="">
<img src="$front" style="position: absolute; top: 0; left: 0; width: 100%; $plain" alt="">
</div>
<div style="display: flex; gap: 1em">
<button type="button" style="width: 5em">Pause</button>
<input type="range" min="0" max="$last" value="$last" aria-label="frame" style="flex: 1">
</div>
</div>
<script>
setTimeout(() => {
  const root = document.getElementById("$id");
  const [, shades, lines] = root.querySelectorAll("img");
  const button = root.querySelector("button"), slider = root.querySelector("input");
  const load = (src) => Object.assign(new Image(), {src});
  const frames = $frames.map((layers) => layers.map(load));
  let timer = null;
  const show = () => {
    [shades.src, lines.src] = frames[slider.value].map((layer) => layer.src);
  };
  const step = () => {
    slider.value = (Number(slider.value) + 1) % frames.length;
    show();
    timer = setTimeout(step, slider.value === slider.max ? $pause : $milliseconds);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = null;
    button.textContent = "Play";
  };
  const play = () => {
    button.textContent = "Pause";
    step();
  };
  button.onclick = () => timer === null ? play() : stop();
  slider.oninput = () => { stop(); show(); };
  play();
});
</script>
""")


class Film:
    """The frames of an animation of a figure, as layers of pictures.

    Everything that stays the same is drawn only once, so the frames take a tenth of the time of
    matplotlib's. A frame is a stack of four pictures: the figure without the Axes of the shades,
    the shades, these Axes with a transparent background, and all else that changes.

    Parameters
    ----------
    figure : Figure
        The figure, whose layout no longer changes.
    shades : AxesImage
        The only image that changes. It fills its Axes.
    draw : callable
        ``draw(k)`` shows frame k and returns all artists that change.
    frames : sequence of int
    milliseconds : int
        The time for which each frame is shown.
    """

    def __init__(
        self, figure: Figure, shades: AxesImage, draw: Callable[[int], Iterable[Artist]],
        frames: Sequence[int], milliseconds: int,
    ) -> None:  # fmt: skip
        self._figure, self._shades, self._draw = figure, shades, draw
        self._frames, self._milliseconds = frames, milliseconds

    def page(self) -> str:
        """Return HTML that plays the animation, for a notebook."""
        canvas = _Canvas(self._figure)
        back, front = map(_as_url, self._still_layers(canvas))
        # The browser enlarges the shades, one pixel for each value.
        layers = [(_as_url(shades), _as_url(lines.quantize(128, Image.Quantize.FASTOCTREE)))
                  for shades, lines in self._moving_layers(canvas)]  # fmt: skip
        left, bottom, width, height = self._shades.axes.get_position().bounds
        return _PAGE.substitute(
            id=f"oneneuron-{uuid4().hex}", width=canvas.width, back=back, front=front, plain=_PLAIN,
            place=f"left: {left:.4%}; bottom: {bottom:.4%}; width: {width:.4%}; "
            f"height: {height:.4%}",
            last=len(layers) - 1, last_shades=layers[-1][0], last_lines=layers[-1][1],
            frames=json.dumps(layers), pause=_PAUSE, milliseconds=self._milliseconds,
        )  # fmt: skip

    def save_gif(self, path: str | Path) -> None:
        """Write the animation to a GIF file."""
        canvas = _Canvas(self._figure)
        back, front = self._still_layers(canvas)
        left, bottom, right, top = np.rint(self._shades.axes.bbox.extents).astype(int)
        box = (left, canvas.height - top, right, canvas.height - bottom)
        pictures = []
        for shades, lines in self._moving_layers(canvas):
            picture = back.copy()
            size = box[2] - box[0], box[3] - box[1]
            picture.paste(shades.resize(size, Image.Resampling.BILINEAR), box)
            picture.alpha_composite(front)
            picture.alpha_composite(lines)
            pictures.append(picture.convert("RGB"))
        # The last frame has all colours. One palette for all makes the file smaller.
        palette = pictures[-1].quantize(256)
        first, *others = [
            picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures
        ]
        durations = [self._milliseconds] * len(others) + [_PAUSE]
        first.save(path, "gif", save_all=True, append_images=others, duration=durations, loop=0)

    def _still_layers(self, canvas: _Canvas) -> tuple[Image.Image, Image.Image]:
        """Return the layers beneath and above the shades."""
        shades, plane = self._shades, self._shades.axes
        moving = self._moving(self._frames[-1])
        with _hidden(plane, *moving):
            back = canvas.picture(self._figure)
        with _hidden(plane.patch, shades, *moving):
            front = canvas.picture(plane)
        return back, front

    def _moving_layers(self, canvas: _Canvas) -> Iterator[tuple[Image.Image, Image.Image]]:
        """Yield the shades of each frame, one pixel for each value, and all else that changes."""
        for k in self._frames:
            lines = canvas.picture(*self._moving(k))
            values = np.asarray(self._shades.get_array())[::-1]
            yield Image.fromarray(self._shades.to_rgba(values, bytes=True)), lines

    def _moving(self, k: int) -> list[Artist]:
        """Show frame k and return all artists that change, apart from the shades."""
        return [artist for artist in self._draw(k) if artist is not self._shades]


class _Canvas:
    """Transparent pictures of some artists of a figure, in the size of the figure.

    Attributes
    ----------
    width, height : int
        The size in pixels.
    """

    def __init__(self, figure: Figure) -> None:
        self.width, self.height = map(int, figure.bbox.size)
        # matplotlib's types lack it.
        self._renderer: Any = RendererAgg(self.width, self.height, figure.dpi)  # type: ignore[no-untyped-call]

    def picture(self, *artists: Artist) -> Image.Image:
        """Return a picture of the artists."""
        self._renderer.clear()
        for artist in artists:
            artist.draw(self._renderer)
        return Image.fromarray(np.array(self._renderer.buffer_rgba()))


@contextmanager
def _hidden(*artists: Artist) -> Iterator[None]:
    """Make artists invisible in the context."""
    for artist in artists:
        artist.set_visible(False)
    try:
        yield
    finally:
        for artist in artists:
            artist.set_visible(True)


def _as_url(image: Image.Image) -> str:
    """Return an image as a data URL."""
    file = BytesIO()
    image.save(file, "png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
