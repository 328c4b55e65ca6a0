// `rankfall bench`: what this machine does with the parts of the product, each against its peers.

import { Command } from 'commander';
import { allReduceCommand } from './bench/allreduce-command.ts';
import { checkpointCommand } from './bench/checkpoint-command.ts';
import { matmulCommand } from './bench/matmul-command.ts';
import { stepCommand } from './bench/step-command.ts';

export function benchCommand(exit: (status: number) => void): Command {
  return new Command('bench')
    .summary('measure parts of the product against their peers')
    .description('Measures parts of the product, each in one run with what it is compared with.')
    .addCommand(allReduceCommand(exit))
    .addCommand(stepCommand(exit))
    .addCommand(matmulCommand(exit))
    .addCommand(checkpointCommand(exit));
}
