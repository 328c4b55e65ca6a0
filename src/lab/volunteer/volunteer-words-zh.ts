// What a volunteer reads, in Chinese. The glossary is that of ../words-zh.ts.

import { bytes, count, span } from '../format.ts';
import type { VolunteerWords } from './volunteer-words-en.ts';

const USED_UP = '你允许的每小时流量已经用完。';

export const chinese: VolunteerWords = {
  title: '把这个标签页借给一次训练',
  lead: (room) => `有人正在许多浏览器标签页上训练一个神经网络，房间叫 ${room}，希望得到你的帮助。`,
  runsTitle: '会运行什么',
  runs: '一段计算：本标签页在 CPU 或 GPU 上计算一个小型神经网络的梯度，并与其他标签页交换。它不安装任何东西，也不读取你的文件。关闭标签页就结束。',
  costsTitle: '你要付出什么',
  costs: '上限由你设定，并会得到遵守：',
  sharedTitle: '会共享什么',
  shared:
    '房间的其他成员会得到梯度和你的显卡名称，并且像浏览器之间的任何通话一样，会得到你的网络地址。没有姓名，没有文件，没有浏览记录。模型的检查点保存在本浏览器的存储中。',
  stopTitle: '怎样停止',
  howToStop: '点按钮，或关闭标签页。其他成员会继续，一步也不丢。',
  limits: {
    share: '可以用于计算的时间',
    shareOf: (percent) => (percent === 100 ? '全部' : `每 100 秒中的 ${percent} 秒`),
    useGpu: '可以使用显卡',
    memory: '模型占用的内存，最多',
    traffic: '每小时流量，最多',
    trafficMeans: '快的房间每秒传输几 MiB。到达上限时，本标签页会离开；等用量降到上限的一半时再回来。',
    noLimit: '不限',
    until: '停止时间',
    untilMeans: '留空：由我决定。',
    battery: '用电池时暂停',
    batteryUnknown: '本浏览器不告诉页面是否在用电池：请手动暂停。',
    metered: '在按流量计费的网络上暂停',
    meteredUnknown: '本浏览器不告诉页面网络是否计费：请手动暂停。',
    meteredSaves: '本浏览器只告诉页面是否要节省流量，在手机上还会告诉是否在用移动网络。',
  },
  start: '借出这个标签页',
  pause: '暂停',
  resume: '继续',
  stop: '停止',
  again: '再次借出',
  states: { joining: '正在加入房间…', helping: '正在帮忙', paused: '已暂停', over: '已结束' },
  pauses: {
    battery: '这台设备正在用电池。接上电源后会继续。',
    metered: '这个网络按流量计费，或要求节省流量。换到别的网络后会继续。',
    traffic: USED_UP,
    asked: '你已暂停。',
  },
  usedUpUntil: (time) => `${USED_UP}将在 ${time} 继续；调高上限则立即继续。`,
  ends: {
    stopped: '你已停止。本标签页不再运行任何东西。',
    time: '你设定的时间到了。本标签页不再运行任何东西。',
    memory: '房间的模型需要的内存超过了你的上限。本标签页不再运行任何东西。',
    'room-over': '房间已完成全部步数。本标签页不再运行任何东西。',
  },
  alone: '现在房间里只有你。在有人开始之前，什么也不会计算。',
  waits: '房间现在没有训练。在有人开始之前，什么也不会计算。',
  progress: (step, steps) => `房间进行到第 ${count(step)} 步，共 ${count(steps)} 步。`,
  thanksTitle: '谢谢你',
  thanks: ({ microBatches, steps, ms }) =>
    microBatches === 0
      ? '你的第一个微批次还没有到来。'
      : `本标签页计算了 ${count(microBatches)} 个微批次，参与了 ${count(steps)} 步，用时 ${span(ms)}。`,
  usedTitle: '当前使用',
  usedTraffic: (used, cap) =>
    cap === undefined ? `最近一小时 ${bytes(used)}` : `最近一小时 ${bytes(used)}，上限 ${bytes(cap)}`,
  pace: (perSecond, lastsMs) =>
    lastsMs === undefined
      ? `每秒 ${bytes(perSecond)}`
      : `每秒 ${bytes(perSecond)}，${span(lastsMs)}后到达上限`,
  usedMemory: (used, cap) => `${bytes(used)}，上限 ${bytes(cap)}`,
  traffic: '流量',
  paceTitle: '目前速度',
  memory: '内存',
  engine: '计算设备',
  noRoom: '这个链接没有指明房间。请再要一次。',
  badLink: '这个链接不完整或被改动过。请再要一次，并完整复制。',
  problem: (why) => `rank 无法启动，会再次尝试：${why}`,
  label: '你的上限',
};
