"""What families whose denoiser is Stable Diffusion's U-Net share: its parts, and the networks beside it."""
