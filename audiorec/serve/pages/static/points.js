// Many points on a canvas: by WebGL, or pixel by pixel where there is none.

const VERTEX = `
attribute vec2 place; attribute vec4 colour; varying lowp vec4 shade;
uniform vec2 centre, scale; uniform float size;
void main() { gl_Position = vec4((place - centre) * scale, 0.0, 1.0); gl_PointSize = size; shade = colour; }`;
const FRAGMENT = `
varying lowp vec4 shade;
void main() { if (distance(gl_PointCoord, vec2(0.5)) > 0.5) discard; gl_FragColor = shade; }`;

/** Something that draws points: `place(float32 x y)`, `paint(bytes r g b a)`, `draw(view)`. */
export function pointsOn(canvas) {
  const gl = canvas.getContext("webgl", { antialias: false, alpha: true, premultipliedAlpha: false });
  return gl ? new GlPoints(canvas, gl) : new PixelPoints(canvas);
}

class GlPoints {
  constructor(canvas, gl) {
    Object.assign(this, { canvas, gl, n: 0 });
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.at = Object.fromEntries(["centre", "scale", "size"].map((name) => [name, gl.getUniformLocation(program, name)]));
    this.buffers = { place: gl.createBuffer(), colour: gl.createBuffer() };
    for (const [name, n, kind, norm] of [["place", 2, gl.FLOAT, false], ["colour", 4, gl.UNSIGNED_BYTE, true]]) {
      const where = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
      gl.enableVertexAttribArray(where);
      gl.vertexAttribPointer(where, n, kind, norm, 0, 0);
    }
  }

  place(positions) {
    this.n = positions.length / 2;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers.place);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, positions, this.gl.STATIC_DRAW);
  }

  paint(colours) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers.colour);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, colours, this.gl.DYNAMIC_DRAW);
  }

  draw({ x, y, zoom }, size) {
    const { gl, canvas, at } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(at.centre, x, y);
    gl.uniform2f(at.scale, (2 * zoom) / canvas.width, (2 * zoom) / canvas.height);
    gl.uniform1f(at.size, size);
    gl.drawArrays(gl.POINTS, 0, this.n);
  }
}

class PixelPoints {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  place(positions) {
    this.positions = positions;
  }

  paint(colours) {
    this.colours = new Uint32Array(colours.buffer, colours.byteOffset, colours.length / 4);
  }

  draw({ x, y, zoom }, size) {
    const { width, height } = this.canvas;
    if (this.image?.width !== width || this.image?.height !== height) {
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const { pixels, positions, colours } = this;
    pixels.fill(0);
    const side = Math.max(1, Math.round(size * 0.8));
    const left = width / 2 - x * zoom - side / 2;
    const top = height / 2 + y * zoom - side / 2;
    for (let i = 0, n = colours.length; i < n; i++) {
      const column = (left + positions[2 * i] * zoom) | 0;
      const line = (top - positions[2 * i + 1] * zoom) | 0;
      if (column < 0 || line < 0 || column + side > width || line + side > height) continue;
      const colour = colours[i];
      for (let j = line * width + column, end = j + side * width; j < end; j += width) {
        for (let k = 0; k < side; k++) pixels[j + k] = colour;
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

const CELLS = 256;

/** Which point is near a place: points sorted into the cells of a grid over -1 to 1. */
export class Grid {
  constructor(positions) {
    this.positions = positions;
    const n = positions.length / 2;
    this.starts = new Uint32Array(CELLS * CELLS + 1);
    const cells = new Uint32Array(n);
    for (let i = 0; i < n; i++) {
      cells[i] = Grid.cell(positions[2 * i + 1]) * CELLS + Grid.cell(positions[2 * i]);
      this.starts[cells[i] + 1]++;
    }
    for (let c = 0; c < CELLS * CELLS; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.order = new Uint32Array(n);
    for (let i = 0; i < n; i++) this.order[next[cells[i]]++] = i;
  }

  static cell(value) {
    return Math.min(CELLS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS)));
  }

  /** The nearest point within a distance, or -1. */
  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    for (let line = Grid.cell(y - reach); line <= Grid.cell(y + reach); line++) {
      const from = this.starts[line * CELLS + Grid.cell(x - reach)];
      const to = this.starts[line * CELLS + Grid.cell(x + reach) + 1];
      for (let j = from; j < to; j++) {
        const i = this.order[j];
        const away = (this.positions[2 * i] - x) ** 2 + (this.positions[2 * i + 1] - y) ** 2;
        if (away < least) [best, least] = [i, away];
      }
    }
    return best;
  }

  /** Points within a polygon of [x, y] corners. */
  within(corners) {
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const found = [];
    for (let line = Grid.cell(low); line <= Grid.cell(high); line++) {
      const from = this.starts[line * CELLS + Grid.cell(left)];
      const to = this.starts[line * CELLS + Grid.cell(right) + 1];
      for (let j = from; j < to; j++) {
        const i = this.order[j];
        if (isWithin(this.positions[2 * i], this.positions[2 * i + 1], corners)) found.push(i);
      }
    }
    return found;
  }
}

function isWithin(x, y, corners) {
  let inside = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [corners[i], corners[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
