use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case { //~ ERROR: the schema of `Case` is 33 types deep, and the limit is 32: nest structs and arrays less deeply
    value: Deep,
}

#[cfg(feature = "fixed")]
type Deep = [[[u8; 1]; 1]; 1];
#[cfg(not(feature = "fixed"))]
type Deep = [[[[[[[[Eight; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1];
#[cfg(not(feature = "fixed"))]
type Eight = [[[[[[[[Sixteen; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1];
#[cfg(not(feature = "fixed"))]
type Sixteen = [[[[[[[[[[[[[[[u8; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1];

fn main() {}
