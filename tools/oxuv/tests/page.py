"""Drives a page of `oxuv trace` in headless Chromium: zooms, pans, selects, opens every panel.

page.py PAGE [--svg FILE] [--show FROM TO] [--select NAME]

Fails with a sentence. With --svg it saves the picture of what the timeline shows from FROM to TO milliseconds.
"""

import argparse
import base64
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DRIVER = """
<pre id="result"></pre>
<script>
{
  const expect = (what, holds) => { if (!holds) throw new Error(what); };
  const result = document.getElementById("result");
  try {
    resize();
    paint();
    const ink = context.getImageData(0, 0, canvas.width, canvas.height).data.filter((it, i) => i % 4 === 3 && it).length;
    expect("the timeline is not drawn", ink > 10000);
    expect("something was loaded", performance.getEntriesByType("resource").length === 0);

    const box = canvas.getBoundingClientRect();
    const fire = (type, target, px, py, more = {}) => target.dispatchEvent(new (type === "wheel" ? WheelEvent : MouseEvent)(
      type, { clientX: box.left + px, clientY: box.top + py, bubbles: true, cancelable: true, ...more }));
    const key = (key) => dispatchEvent(new KeyboardEvent("keydown", { key }));

    fire("wheel", canvas, 700, 300, { deltaY: -900 });
    expect("the wheel does not zoom", to - from < total / 2 || to - from <= 1000);
    const [before, size] = [from, to - from];
    fire("mousedown", canvas, 800, 300);
    fire("mousemove", window, 600, 300);
    fire("mouseup", window, 600, 300);
    expect("dragging does not pan", from > before && Math.abs(to - from - size) < 1);
    key("s");
    expect("S does not zoom out", to - from > size);
    key("0");
    expect("0 does not show all", from === 0 && to === total);
    fire("mousedown", canvas, 500, 300, { shiftKey: true });
    fire("mousemove", window, 700, 300);
    fire("mouseup", window, 700, 300);
    expect("shift does not zoom to a range", Math.abs((to - from) / total - 200 / (width - GUTTER)) < 0.01 || to - from === 200);

    // Each callback can be selected where it is drawn, and leads to where it came from.
    key("0");
    const loop = sorted[0];
    const wanted = [...loop.what.keys()].filter((i) => loop.what[i] === CALLBACK);
    expect("there is no callback", wanted.length > 0);
    const flowing = wanted.find((i) => flowsAt({ track: loop.index, slice: i }).some((it) => it.length > 2)) ?? wanted[0];
    for (const i of [wanted[0], flowing]) {
      select({ track: loop.index, slice: i }, true);
      paint();
      const px = x(loop.start[i] + loop.duration[i] / 2), py = middleOf({ track: loop.index, slice: i });
      selected = null;
      fire("mousedown", canvas, px, py);
      fire("mouseup", window, px, py);
      expect("a click selects something else", selected && selected.slice === i && selected.track === loop.index);
      expect("the selection is not described", panel.textContent.includes(DATA.names[loop.name[i]]));
    }
    if (flowsOf.size) {
      const link = panel.querySelector(".link");
      expect("no link to what follows", link);
      link.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      expect("the link leads nowhere", link.dataset.place === selected.track + ":" + selected.slice);
    }
    for (const name of ["callbacks", "pool", "delays", "selection"]) {
      document.querySelector(`[data-tab=${name}]`).click();
      expect("the panel is empty: " + name, panel.textContent.trim().length > 20);
    }
    document.querySelector("[data-tab=callbacks]").click();
    const counted = [...panel.querySelectorAll("tbody tr")].map((it) => Number(it.cells[1].textContent.replace(/,/g, "")));
    const all = tracks.reduce((sum, it) => sum + it.what.filter((it) => it === CALLBACK).length, 0);
    expect("the table misses callbacks", counted.reduce((a, b) => a + b) === all);
    panel.querySelector("th[data-by=name]").click();
    const named = [...panel.querySelectorAll("tbody tr")].map((it) => it.cells[0].textContent);
    expect("the table is not sorted", named.every((it, i) => i === 0 || named[i - 1].localeCompare(it) <= 0));

    key("Escape");
    show(SHOW_FROM * 1e6, SHOW_TO < 0 ? total : SHOW_TO * 1e6);
    if (SELECT) {
      const i = wanted.find((i) => DATA.names[loop.name[i]].includes(SELECT) && loop.start[i] >= from && loop.start[i] < to);
      expect("no such callback is shown", i !== undefined);
      select({ track: loop.index, slice: i }, false);
    }
    const svg = picture();
    const error = new DOMParser().parseFromString(svg, "image/svg+xml").querySelector("parsererror");
    expect("the picture is no SVG: " + error?.textContent, !error);
    const bytes = new TextEncoder().encode(svg);
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    result.textContent = "PASSED " + btoa(binary);
  } catch (error) {
    result.textContent = "FAILED " + error.message + "\\n" + error.stack;
  }
}
</script>
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--show", type=float, nargs=2, default=(0, -1))
    parser.add_argument("--select", default="")
    parser.add_argument("--window", default="1300,700")
    arguments = parser.parse_args()
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("there is no chromium")
    driver = DRIVER.replace("SHOW_FROM", str(arguments.show[0])).replace("SHOW_TO", str(arguments.show[1]))
    driver = driver.replace("SELECT", repr(arguments.select))
    page = arguments.page.read_text().replace("</body>", driver + "</body>")
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, "page.html")
        copy.write_text(page)
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={arguments.window}"]
        command += [f"--user-data-dir={directory}/profile", "--dump-dom", copy.as_uri()]
        output = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    match = re.search(r'<pre id="result">(PASSED|FAILED) ([^<]*)', output)
    if not match or match[1] == "FAILED":
        sys.exit(match[2] if match else "the page did not run")
    if arguments.svg:
        arguments.svg.write_bytes(base64.b64decode(match[2]))


main()
