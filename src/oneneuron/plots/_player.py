"""The page that plays an animation in a notebook: frames, a button and a slider."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
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


def player(
    figure: Figure, shades: AxesImage, draw: Callable[[int], Iterable[Artist]],
    frames: Sequence[int], milliseconds: int,
) -> str:  # fmt: skip
    """Return HTML that plays an animation of a figure, for a notebook.

    Everything that stays the same is drawn and stored only once, so the page takes a tenth of the
    time and of the bytes of matplotlib's. It is a stack of four images: the figure without the Axes
    of the shades, the shades, all else that changes, and these Axes with a transparent background.

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
    film = _Film(figure)
    plane = shades.axes
    moving = [artist for artist in draw(frames[-1]) if artist is not shades]
    with _hidden(plane, *moving):
        back = film.picture(figure)
    with _hidden(plane.patch, shades, *moving):
        front = film.picture(plane)
    layers = []
    for k in frames:
        draw(k)
        # The browser enlarges the shades, one pixel for each value.
        colors = shades.to_rgba(np.asarray(shades.get_array())[::-1], bytes=True)
        layers.append((_as_url(Image.fromarray(colors)), film.picture(*moving, num_colors=128)))
    left, bottom, width, height = plane.get_position().bounds
    return _PAGE.substitute(
        id=f"oneneuron-{uuid4().hex}", width=film.width, back=back, front=front, plain=_PLAIN,
        place=f"left: {left:.4%}; bottom: {bottom:.4%}; width: {width:.4%}; height: {height:.4%}",
        last=len(frames) - 1, last_shades=layers[-1][0], last_lines=layers[-1][1],
        frames=json.dumps(layers), pause=_PAUSE, milliseconds=milliseconds,
    )  # fmt: skip


class _Film:
    """Transparent pictures of some artists of a figure, in the size of the figure.

    Attributes
    ----------
    width : int
        The width in pixels.
    """

    def __init__(self, figure: Figure) -> None:
        self.width, height = map(int, figure.bbox.size)
        # matplotlib's types lack it.
        self._renderer: Any = RendererAgg(self.width, height, figure.dpi)  # type: ignore[no-untyped-call]

    def picture(self, *artists: Artist, num_colors: int | None = None) -> str:
        """Return a picture of the artists as a data URL, by default in all its colours."""
        self._renderer.clear()
        for artist in artists:
            artist.draw(self._renderer)
        image = Image.fromarray(np.asarray(self._renderer.buffer_rgba()))
        if num_colors is not None:
            image = image.quantize(num_colors, Image.Quantize.FASTOCTREE)
        return _as_url(image)


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
