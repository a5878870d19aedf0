// Types that several modules share, for `npm run types`; nothing of this is published.

/** Rows of pixels, one after the other. */
interface Plane {
  height: number;
  width: number;
  data: Float64Array;
}

/** One plane for each of red, green and blue. */
type Picture = Plane[];

type Border = "reflect" | "mirror" | "nearest" | "wrap" | "constant";

/** [row, column]. */
type Place = [number, number];

/** An array with its shape, as a layer takes it: (N, C, H, W) or (N, classes). */
interface Tensor {
  shape: number[];
  data: Float32Array;
}

/** Arrays of numbers, of which a page may change the entries. */
type Numbers = Float32Array | Float64Array;

interface Layer {
  parameters: Tensor[];
  gradients: Tensor[];
  forward(x: Tensor): Tensor;
  backward(grad: Tensor, inputToo?: boolean): Tensor | null;
}

/** A layer as the package hands it over: its kind, its settings and its weights. */
interface LayerSettings {
  kind: string;
  weight?: Tensor;
  bias?: Tensor;
  padding?: number;
  kernel?: number;
}

/** Letters as the package hands them over: see letters.js. */
interface Font {
  alphabet: string;
  side: number;
  em: number;
  advances: { shape: number[]; data: ArrayLike<number> };
  masters: { shape: number[]; data: ArrayLike<number> };
}

interface Glyph {
  letter: string;
  row: number;
  column: number;
}

/** Random numbers: see random.js. */
interface RandomSource {
  uniform(): number;
  normal(): number;
  below(limit: number): number;
  shuffle<T>(array: T[]): T[];
}

/** Pixels on each side, or [before, after]. */
type Padding = number | number[];

/** The receptive field of a chain of layers, in pixels. */
interface Field {
  size: number;
  stride: number;
  padding: number;
}

/** A window that slides: see receptive_field.js. */
interface SlidingWindow {
  kernel: number;
  stride?: number;
  padding?: Padding;
  dilation?: number;
  ceilMode?: boolean;
  name?: string;
  chains?: undefined;
}

/** Branches that read the same input. */
interface Branches {
  chains: Chain[];
  name?: string;
}

type Chain = (SlidingWindow | Branches)[];

type ActivationName = "linear" | "relu" | "tanh" | "sigmoid";

/** What a layer or several cost: weights and biases, multiplications, numbers kept. */
interface Costs {
  parameters: number;
  macs: number;
  kept: number;
}

/** One kernel and the stack of 3x3 that is compared with it: see kernel_stack.js. */
interface StackChoice {
  kernel: number;
  channels: number[];
  side: number;
  bias: boolean;
  padded: boolean;
}

/** A rule that changes weights: see optimizers.js. */
interface Rule {
  steps: number;
  step(parameters: Numbers[], gradients: ArrayLike<number>[]): void;
  computed(place?: number): Record<string, Numbers>;
}

/** A landscape of two weights: see surfaces.js. */
interface Surface {
  height(x: number, y: number): number;
  slope(x: number, y: number): [number, number];
  minima: [number, number][];
  start: [number, number];
  reach: number;
}

/** A place on a walk, and the step that led there. */
interface Step {
  at: number[];
  height: number;
  gradient?: number[];
  computed?: Record<string, number[]>;
}

/** The little network of symmetry.js: its sizes and its weights. */
interface LittleNetwork extends LittleWeights {
  inputs: number;
  hidden: number;
  scores: number;
}

/** `first` holds a row for each unit, `second` a row for each score. */
interface LittleWeights {
  first: Float64Array;
  bias: Float64Array;
  second: Float64Array;
  lastBias: Float64Array;
}

/** A row for each example, and the number of its class. */
interface LittleExamples {
  x: ArrayLike<number>;
  target: ArrayLike<number>;
}

/** What there is to see of the little network before a step. */
interface LittleMoment extends LittleWeights {
  loss: number;
  unlike: number;
  outputs: Float64Array;
  gradients: LittleWeights;
}

/** Examples for a classifier. */
interface Examples {
  x: Tensor;
  target: number[];
}

type LayerKind = "conv" | "pool" | "average";
type LayerPart = "kernel" | "channels" | "stride" | "padding" | "dilation" | "groups";

/** One layer of a list: see layer_list.js. */
interface ListedWindow {
  kind: LayerKind;
  kernel: number;
  stride: number;
  padding: number[];
  dilation: number;
  channels: number;
  groups: number;
  name: string;
  hangsOver?: number;
  chains?: undefined;
}

interface ListedBlock {
  kind: "block";
  join: "added" | "concatenated";
  chains: ListedWindow[][];
  name: string;
}

type Listed = ListedWindow | ListedBlock;

/** What a layer reads. */
interface Read {
  size: number;
  channels: number;
  field: Field;
}

/** What comes out of a layer, and what it costs. */
interface Row extends Read {
  layer: Listed;
  from: Read;
  receptiveField: number;
  jump: number;
  start: number;
  parameters: number;
  macs: number;
  branches?: Row[][];
}

type Rest = "floor" | "ceil" | "error";

interface ConvolutionRow extends Row {
  layer: ListedWindow;
}

/** What a reader can choose in a widget, and how an address writes it: see widgets/settings.js. */
interface Setting<T> {
  label: string;
  value: T;
  range: string;
  read(text: string): T | undefined;
  write(value: T): string;
  control?(change: (value: T) => void, complain: (sentence: string) => void): Control<T>;
}

interface Control<T> {
  element: HTMLElement;
  show(value: T): void;
}

/** Settings by name; their values differ in type. */
type Settings = Record<string, Setting<any>>;
type State = Record<string, any>;

/** For readers of numbers. */
interface Table {
  head: string[];
  rows: (string | number)[][];
}
