"""The PyTorch tabs of the page "In five lines": shown there, compared by test_five_lines.py with the page's own blocks.

Each section is copied alone, so each has its own imports.
"""

# --8<-- [start:size]
import torch
from torch import nn

layer = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
size = layer(torch.zeros(1, 3, 224, 224)).shape[-1]
# --8<-- [end:size]

# --8<-- [start:parameters]
from torch import nn

layer = nn.Conv2d(3, 64, kernel_size=7)
parameters = sum(p.numel() for p in layer.parameters())
# --8<-- [end:parameters]

# --8<-- [start:field]
import torch
from torch import nn

net = nn.Sequential(
    nn.Conv2d(1, 1, 7, stride=2, padding=3),
    nn.AvgPool2d(3, stride=2, padding=1),  # a maximum would hide the others
    nn.Conv2d(1, 1, 3, padding=1),
)
for parameter in net.parameters():
    nn.init.ones_(parameter)
image = torch.rand(1, 1, 64, 64, requires_grad=True)
net(image)[0, 0, 8, 8].backward()
field = int((image.grad[0, 0] != 0).any(dim=0).sum())
# --8<-- [end:field]

# --8<-- [start:photo]
import torch
from torch.nn import functional as F

from cnnguide import coffee, luma

gray = torch.from_numpy(luma(coffee()))  # or your own (H, W) tensor
sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
bordered = F.pad(gray[None, None], (1, 1, 1, 1), mode="replicate")
edges = F.conv2d(bordered, sobel[None, None])[0, 0]
# --8<-- [end:photo]

# --8<-- [start:initialise]
from torch import nn

mine = nn.Conv2d(64, 128, kernel_size=3)
nn.init.kaiming_normal_(mine.weight, nonlinearity="relu")
nn.init.zeros_(mine.bias)
# --8<-- [end:initialise]
