"""`python -m bench [NAME]`: lists the measurements, or takes one."""

from __future__ import annotations

import importlib
import sys

NAMES = {
    "clips": "windows of films with their sound beside decord and PyAV's plain loop: frames, CPU time, memory",
    "demo": "the demo over three seeds: few labels, beside raw pixels, random weights and supervision",
    "fuzz": "ten thousand bad inputs over every verb and estimator: each answered or refused in a line?",
    "kills": "SIGKILL at random moments and full disks: is anything half written taken for whole?",
    "door": "what kinds of data cost: SimCLR's step, decoding, start-up beside another build; streaming",
    "kinds": "SimCLR on spoken digits, series and a table, beside raw input and random weights",
    "pretext": "what pretext tasks cost beside their encoders; tiles encoded once beside each pair by itself",
    "resume": "killed with SIGKILL ten times and resumed: the same weights as uninterrupted?",
    "cpc": "the sound form of cpc beside CPC_audio's: a training step at equal settings, time and memory",
    "cpc_text": "cpc of novels on MR, CR, Subj, MPQA and TREC, beside tf-idf and averaged word vectors",
    "cifar10": "the three methods on Deep InfoMax's encoder, beside raw pixels, random weights and supervision",
    "linear_models": "PPCA and factor analysis beside scikit-learn's: likelihood reached and CPU time",
    "ica": "LinearICA beside FastICA and picard: CPU time, Amari distance, likelihood on real recordings",
    "unmix": "the cocktail party: voices and music unmixed, SI-SDR improvement beside FastICA and picard",
    "decodable": "loss-data curves and codes beside scikit-learn retrained at each point: losses, CPU time",
    "disentanglement": "metrics of disentanglement beside their published definitions: values, CPU time",
    "information": "mutual information where it is known: the default beside benchmark-mi's estimators, coverage",
    "mi_studies": "the staircase of mutual information, every estimator and critic, at its published setting",
    "views": "SimCLR's views beside torchvision, albumentations and kornia; a step beside lightly's; accuracy",
    "nonlinear_contrast": "TCL, GCL and PCL on the published mixtures: held-out MCC, beside linear controls",
    "flow_ica": "FlowICA on the published mixtures, with u ignored, of another make, beside linear methods",
    "studies": "any of the studies at its cpu preset, kept as a record",
    "voices": "real voices under a known nonlinear mixing: FlowICA, GCL, TCL beside linear ICA",
    "words": "skip-gram and phrases beside gensim: words a second, memory, analogies and word similarity",
    "words_best": "analogies at the best settings of mutua and of gensim, chosen on half of the questions",
    "words_kinds": "CBOW and subword vectors beside gensim's CBOW and FastText: words a second, quality",
    "large_batch": "SimCLR's step on ResNet-18 at batch 4096 in chunks: time an image, memory; layouts",
    "ivae": "IVAE on its own simulation, beside VAE, beta-VAE and linear models; ICE-BeeM's grid",
    "gathering": "rows of other ranks by one gathering or handed round a ring",
    "contrast_cuda": "InfoNCE on CUDA in bfloat16, beside the whole matrix and inf-cl: time, memory",
    "resnet18": "SimCLR on ResNet-18, CIFAR-10, 200 epochs on CUDA: k-NN accuracy, how long it takes",
    "dim_table": "DIM(L)'s step beside its encoder's, a VAE's epoch beside its networks' and pythae's",
    "probes_peers": "MLP and SVM probes at 4,096 columns beside scikit-learn's: CPU time, accuracy",
    "contrast": "contrastive losses streamed, beside lightly, pytorch-metric-learning and info-nce-pytorch",
}


def main() -> int:
    """Dispatch to bench.NAME."""
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        for name, about in NAMES.items():
            print(f"python -m bench {name:12} {about}")
        return 0 if len(sys.argv) < 2 else 2
    importlib.import_module(f"bench.{sys.argv[1]}").main(sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
