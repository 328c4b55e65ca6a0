// What PeerJS gets in place of `webrtc-adapter`, which patches what browsers before 2020 lacked of WebRTC, most of it of cameras and
// microphones: 12 KiB of a first visit for nothing, since whatever has WebGPU or module workers needs none of it. PeerJS itself reads
// `browserDetails` alone, for a table of features of which the lab asks nothing (vite.config.ts puts this in its place).
export default { browserDetails: { browser: 'not told', version: 0 } };
