// Draws egui's triangles without branches. Colours are gamma-encoded with premultiplied alpha, as in egui's own shader.

// Width and height of the window, points; the other two components are 0.
@group(0) @binding(0) var<uniform> size: vec4<f32>;
@group(1) @binding(0) var image: texture_2d<f32>;
@group(1) @binding(1) var filtered: sampler;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
    @location(1) colour: vec4<f32>,
}

@vertex
fn corner(@location(0) at: vec2<f32>, @location(1) uv: vec2<f32>, @location(2) colour: vec4<f32>) -> Corner {
    let position = vec4(2.0 * at.x / size.x - 1.0, 1.0 - 2.0 * at.y / size.y, 0.0, 1.0);
    return Corner(position, uv, colour);
}

// Letters and pictures.
@fragment
fn textured(in: Corner) -> @location(0) vec4<f32> {
    return in.colour * textureSampleLevel(image, filtered, in.uv, 0.0);
}

// Areas of one colour. egui draws them with a white texel, so the texture can be left out.
@fragment
fn plain(in: Corner) -> @location(0) vec4<f32> {
    return in.colour;
}
