// A list of layers, followed by layer_list.js, as Python: for this guide's package, and for PyTorch.

/**
 * Arguments of a call, without those that have their defaults.
 * @param {string} name
 * @param {(string | number)[]} positional
 * @param {Record<string, string | number | undefined>} keywords
 */
function call(name, positional, keywords) {
  const given = Object.entries(keywords).filter(([, value]) => value !== undefined);
  return `${name}(${[...positional, ...given.map(([key, value]) => `${key}=${value}`)].join(", ")})`;
}

/**
 * @param {number} value
 * @param {number} usual
 */
const unless = (value, usual) => (value === usual ? undefined : value);
/**
 * @param {string} text
 * @param {number} by
 */
const indented = (text, by = 4) => text.replaceAll(/^(?=.)/gm, " ".repeat(by));
/** @param {string} name */
const text = (name) => JSON.stringify(name);

/** @param {number[]} padding */
function paddingOf([before, after]) {
  return before === after ? unless(before, 0) : `(${before}, ${after})`;
}

/**
 * Rows of convolutions in the order of computation, those in branches included.
 * @param {Row[]} rows
 * @returns {ConvolutionRow[]}
 */
function convolutionsOf(rows) {
  return rows.flatMap((row) => {
    if (row.branches) return convolutionsOf(row.branches.flat());
    const { layer } = row;
    return layer.kind === "conv" ? [{ ...row, layer }] : [];
  });
}

/**
 * Code that prints the rows of `trace`, then the parameters and the multiplications if there are convolutions.
 * @param {Row[]} rows
 * @param {{ size: number, bias: boolean }} options
 */
export function packageCode(rows, { size, bias }) {
  const blocks = rows.some((row) => row.branches);
  const convolutions = convolutionsOf(rows);
  const names = [
    "Window",
    "trace",
    ...(blocks ? ["Parallel"] : []),
    ...(convolutions.length ? ["conv_macs", "conv_parameters"] : []),
  ];
  const layers = rows.map(({ layer }) => `${indented(packageLayer(layer))},\n`).join("");
  return (
    `from cnnguide import ${names.sort().join(", ")}\n\nnetwork = [\n${layers}]\n` +
    `for row in trace(network, size=${size}):\n    print(*row)\n` +
    (convolutions.length ? costs(convolutions, bias) : "")
  );
}

/**
 * @param {Listed} layer
 * @returns {string}
 */
function packageLayer(layer) {
  const name = layer.name ? text(layer.name) : undefined;
  if (layer.kind === "block") {
    return `Parallel(\n${layer.chains.map((chain) => `${indented(packageChain(chain))},\n`).join("")}    name=${name},\n)`;
  }
  const { kernel, stride, padding, dilation } = layer;
  const keywords = { stride: unless(stride, 1), padding: paddingOf(padding), dilation: unless(dilation, 1), name };
  return call("Window", [kernel], keywords);
}

/** @param {ListedWindow[]} chain */
function packageChain(chain) {
  const windows = chain.map((layer) => packageLayer({ ...layer, name: "" }));
  return windows.length === 1 ? windows[0] : `(${windows.join(", ")})`;
}

/**
 * @param {ConvolutionRow[]} convolutions
 * @param {boolean} bias
 */
function costs(convolutions, bias) {
  const parameters = convolutions.map(({ layer, from }) =>
    call("conv_parameters", [from.channels, layer.channels], {
      kernel: layer.kernel,
      groups: unless(layer.groups, 1),
      bias: bias ? undefined : "False",
    }),
  );
  const macs = convolutions.map(({ layer, from }) => {
    const padding = paddingOf(layer.padding);
    return call("conv_macs", [from.size, from.channels, layer.channels], {
      kernel: layer.kernel,
      stride: unless(layer.stride, 1),
      padding: layer.padding[0] === layer.padding[1] ? padding : `(${padding}, ${padding})`,
      dilation: unless(layer.dilation, 1),
      groups: unless(layer.groups, 1),
    });
  });
  /**
   * @param {string} name
   * @param {string[]} lines
   */
  const list = (name, lines) => `${name} = [\n${lines.map((line) => `    ${line},\n`).join("")}]\n`;
  return `\n${list("parameters", parameters)}${list("macs", macs)}print(sum(parameters), sum(macs))\n`;
}

const BRANCHES = `
class Branches(nn.Module):
    def __init__(self, join, *branches):
        super().__init__()
        self.join, self.branches = join, nn.ModuleList(branches)

    def forward(self, x):
        return self.join([branch(x) for branch in self.branches])


`;
const CONCATENATED = `def concatenated(maps):
    return torch.cat(maps, dim=1)


`;

/**
 * Code that prints, for each layer, the shape of what comes out and the number of parameters.
 * @param {Row[]} rows
 * @param {{ size: number, channels: number, bias: boolean }} options
 */
export function torchCode(rows, { size, channels, bias }) {
  const blocks = rows.filter((row) => row.branches);
  const layers = rows.map((row) => `${indented(torchLayer(row, bias))},\n`).join("");
  return (
    "import torch\nfrom torch import nn\n\n" +
    (blocks.length ? BRANCHES : "") +
    (blocks.some(({ layer }) => layer.kind === "block" && layer.join === "concatenated") ? CONCATENATED : "") +
    `network = nn.Sequential(\n${layers})\nx = torch.zeros(1, ${channels}, ${size}, ${size})\nwith torch.no_grad():\n` +
    "    for layer in network:\n        x = layer(x)\n        print(tuple(x.shape), sum(p.numel() for p in layer.parameters()))\n"
  );
}

/**
 * @param {Row} row
 * @param {boolean} bias
 * @returns {string}
 */
function torchLayer({ layer, from, branches }, bias) {
  if (layer.kind === "block") {
    const join = layer.join === "added" ? "sum" : "concatenated";
    return `Branches(\n    ${join},\n${(branches ?? []).map((rows) => `${indented(torchChain(rows, bias))},\n`).join("")})`;
  }
  const { kind, kernel, stride, dilation, channels, groups, hangsOver = 0 } = layer;
  const padding = [layer.padding[0], layer.padding[1] - hangsOver];
  // PyTorch pads both sides alike, and poolings by at most half a kernel: all else takes a layer of its own.
  const own = padding[0] === padding[1] && (kind === "conv" || 2 * padding[0] <= kernel);
  const keywords = {
    kernel_size: kernel,
    stride: unless(stride, kind === "conv" ? 1 : kernel),
    padding: own ? unless(padding[0], 0) : undefined,
    dilation: unless(dilation, 1),
    groups: kind === "conv" ? unless(groups, 1) : undefined,
    bias: kind === "conv" && !bias ? "False" : undefined,
    ceil_mode: hangsOver ? "True" : undefined,
  };
  const positional = kind === "conv" ? [from.channels, channels] : [];
  const window = call({ conv: "nn.Conv2d", pool: "nn.MaxPool2d", average: "nn.AvgPool2d" }[kind], positional, keywords);
  if (own) return window;
  const sides = [...padding, ...padding].join(", ");
  const pad = kind === "pool" ? `nn.ConstantPad2d((${sides}), float("-inf"))` : `nn.ZeroPad2d((${sides}))`;
  return `nn.Sequential(${pad}, ${window})`;
}

/**
 * @param {Row[]} rows
 * @param {boolean} bias
 * @returns {string}
 */
function torchChain(rows, bias) {
  if (rows.length === 0) return "nn.Identity()";
  const layers = rows.map((row) => torchLayer(row, bias));
  return layers.length === 1 ? layers[0] : `nn.Sequential(\n${layers.map((layer) => `${indented(layer)},\n`).join("")})`;
}
