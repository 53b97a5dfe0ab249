"""Pictures as the bytes of a file, drawn without a window whatever matplotlib's backend is."""

import io


def picture(draw, form="png", *, size=(8.0, 6.0), dpi=150):
    """What ``draw(ax)`` draws on an Axes of so many inches, in any of `forms`."""
    # A Figure of its own: pyplot's would open a window.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure.add_subplot())
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(file, dpi=dpi, format=form)
    return file.getvalue()


def forms():
    """The forms of a picture that matplotlib writes by itself, named as files end."""
    from matplotlib.backend_bases import FigureCanvasBase

    return FigureCanvasBase.get_supported_filetypes().keys() - {"pgf"}  # which needs LaTeX
