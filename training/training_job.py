"""One training job from its channels to its artifact: what train_model.py and hpo.py share."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from agreed_stop import AgreedStop
from arguments import Arguments
from artifact import write_artifact, write_torch_graph
from channels import Channel, read_channel
from checkpoint import load_checkpoint, save_checkpoint
from classes import class_map
from compilation import compiled
from debugger_hook import DebuggerHook
from division import check_batch_size, check_channels
from environment import Environment
from epochs import evaluate
from errors import DebuggerError, DivergedError
from fit import Pass, fit
from image_set import ImageSet
from inputs import Inputs
from kept_memory import keep_freed_memory
from learner import Learner, load_learned
from losses import training_loss
from mixed_precision import NAMES, autocast_dtype
from model_card import Data, ModelCard
from networks import Classifier, build_classifier, preprocessing_for
from observers import Observers
from process_group import ALONE, ProcessGroup
from profiler_config import ProfilerConfig
from progress import Epoch, Progress
from quantization import asked_for
from report import write_history, write_test_report
from results import Results, results_of
from stopping import StopRequest, StopRequested
from timeline import Timeline
from torch import nn
from weights import load_pretrained
from winograd import set_winograd


class TrainingJob:
    """The parts of one job, built from its hyperparameters and channels. Raises TrainingJobError's kinds.

    The processes of a `group` train together; the first one writes what comes of it.
    """

    def __init__(self, arguments: Arguments, environment: Environment, group: ProcessGroup = ALONE) -> None:
        check_batch_size(arguments.batch_size, group.share)
        self.arguments = arguments
        self.environment = environment
        self.group = group
        self.stop = StopRequest()
        self.agreed_stop = AgreedStop(self.stop, group)
        self.progress = Progress()
        self.device = group.device
        self.preprocessing = preprocessing_for(arguments.arch, arguments.image_size)
        self.inputs = Inputs(arguments, environment, self.preprocessing, self.device, self.stop, share=group.share)
        self.validation_images: ImageSet | None = None
        self.weights = "none, initialised at random"
        self.quantization = asked_for(arguments, environment.cpus)

    def run(self, *, judge_test: bool) -> None:
        """Train, save the best epoch's network, and, where `judge_test`, judge it once on the channel `test`.

        A SIGTERM ends the job early and well: what has been learned stays in checkpoint and artifact.
        """
        self.stop.listen()
        with self._recorded(), self._tidied():
            self._run(judge_test=judge_test)

    def _recorded(self) -> contextlib.AbstractContextManager[None]:
        script_mode = self.environment.script_mode
        if script_mode is None or self.group.local_rank != 0:  # one process measures the machine
            return contextlib.nullcontext()
        return script_mode.recorded(self.environment.host)

    @contextlib.contextmanager
    def _tidied(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self.environment.host_cache_folder and self.group.local_rank == 0:
                shutil.rmtree(self.environment.host_cache_folder, ignore_errors=True)

    def _run(self, *, judge_test: bool) -> None:
        keep_freed_memory()
        torch.set_num_threads(self.environment.cpus)
        torch.manual_seed(self.arguments.seed)
        torch.backends.cudnn.deterministic = True
        train = read_channel("train", self.environment.channels)
        validation = read_channel("validation", self.environment.channels, train.classes)
        test = None
        if judge_test and "test" in self.environment.channels:
            test = read_channel("test", self.environment.channels, train.classes)
        network = self._network(len(train.classes))
        learner = Learner(self.arguments, network, network.precision, self.group.share)
        self._resume(learner, train.classes)
        try:
            self._fit(network, learner, train, validation)
        except StopRequested:
            self.agreed_stop.tell()
            self._save_checkpoint(train.classes, learner)
            print("stopped by SIGTERM", flush=True)
            test = None
        self.group.leave()
        if self.group.is_first:
            self._finish(network, train.classes, test)

    def _network(self, classes: int) -> Classifier:
        arguments = self.arguments
        network = build_classifier(
            arguments.arch, classes, arguments.image_size, dropout=arguments.dropout, frozen=arguments.freeze_backbone
        )
        if arguments.weights == "imagenet":
            self.weights = load_pretrained(network, arguments.arch, self.environment.channels.get("pretrained"))
        network.precision = autocast_dtype(arguments, self.device)
        processes = self.group.share.world_size
        print(
            f"network: {arguments.arch}, weights: {self.weights}, {'head' if network.frozen else 'all layers'} trained "
            f"on {self.device.type} with {torch.get_num_threads()} CPU threads in {NAMES[network.precision]}"
            f"{f', by {processes} processes' if processes > 1 else ''}",
            flush=True,
        )
        if arguments.compile:
            network.compiled = compiled(network.backbone)
        # Elsewhere convolutions are computed in another way, and autocast's would be turned back into float32.
        on_plain_cpu = self.device.type == "cpu" and network.precision is None and network.compiled is None
        set_winograd(network, wanted=arguments.winograd and on_plain_cpu)
        # Seeded again, for where weights come from must not change what is drawn from here on.
        torch.manual_seed(arguments.seed)
        network = network.to(self.device)
        self.group.prepare(network)
        return network.to(memory_format=torch.channels_last)

    def _fit(self, network: Classifier, learner: Learner, train: Channel, validation: Channel) -> None:
        # Debugger watches the whole network, so nothing is computed ahead of it; not all hosts may know of it.
        watched = self.group.any(self._hook_config() is not None)
        train_input = self.inputs.training(network, train, watched=watched)
        validation_input = self.inputs.judged(network, validation, watched=watched)
        self.agreed_stop.check()
        check_channels(train_input.images, validation_input.images, self.group)
        self.validation_images = validation_input.images
        learned = training_loss(self.arguments, train_input.images.labels, len(train.classes), self.device)
        plain = nn.CrossEntropyLoss()
        hook = self._hook(network, [learned, plain])
        training = Pass(train_input.network, train_input.batches, learned)
        judging = Pass(validation_input.network, validation_input.batches, plain)

        def save() -> None:
            self._save_checkpoint(train.classes, learner)

        observers = Observers(hook, self._timeline() if self.group.local_rank == 0 else None)
        try:
            reason = fit(
                learner,
                training=training,
                validation=judging,
                progress=self.progress,
                observers=observers,
                stop=self.agreed_stop,
                save=save,
                group=self.group,
            )
        finally:
            observers.close()
        print(f"ended: {reason}", flush=True)

    def _hook(self, network: Classifier, criteria: list[nn.Module]) -> DebuggerHook | None:
        config = self._hook_config()
        if config is None or not self.group.is_first:
            return None
        if network.compiled is not None:
            raise DebuggerError(
                "--compile true and a debugger: nobody can watch the layers of a compiled network. "
                'Create the job without one ("debugger": null), or give --compile false'
            )
        steps = {"train_steps": self.progress.next_train_step, "evaluation_steps": self.progress.evaluation_steps}
        return DebuggerHook(config, network, criteria, **steps)

    def _hook_config(self) -> Path | None:
        script_mode = self.environment.script_mode
        if script_mode is not None and script_mode.hook_config is not None:
            return script_mode.hook_config
        return self.environment.debug_hook_config

    def _timeline(self) -> Timeline | None:
        environment, script_mode = self.environment, self.environment.script_mode
        if script_mode is not None and script_mode.interval_ms is not None:
            profile = script_mode.profile
            return Timeline(lambda: profile, environment.host)
        if environment.profiler_config is not None:
            config = ProfilerConfig(environment.profiler_config, environment.profiler_folder)
            return Timeline(config.folder, environment.host)
        return None

    def _resume(self, learner: Learner, classes: tuple[str, ...]) -> None:
        saved = load_checkpoint(self.environment.checkpoint_folder, self.arguments, classes, learner, self.group)
        if saved is not None:
            self.progress = saved
            print(f"checkpoint: goes on in epoch {saved.next_epoch} after {saved.totals.batches} batches", flush=True)

    def _save_checkpoint(self, classes: tuple[str, ...], learner: Learner) -> None:
        folder = self.environment.checkpoint_folder
        if folder is not None and self.progress.is_started and self.group.is_first:
            save_checkpoint(folder, self.arguments, classes, progress=self.progress, learner=learner)

    def _finish(self, network: Classifier, classes: tuple[str, ...], test: Channel | None) -> None:
        write_history(self.environment.output_folder, self.progress)
        if self.progress.best is None or self.progress.best_state is None:
            if self.progress.history:
                raise DivergedError(f"no epoch had a finite validation loss: lower --lr (it is {self.arguments.lr:g})")
            print("no epoch has ended: there is no model to save", flush=True)
            return
        load_learned(network, self.progress.best_state)
        network.precision = network.compiled = None  # it is saved, and judged on the test channel, as it will serve
        print(f"best: epoch {self.progress.best.epoch}", flush=True)
        # Before the test channel: what may be wrong with that must not cost the model.
        write_artifact(
            self.environment.model_folder,
            network,
            self.preprocessing,
            arch=self.arguments.arch,
            version=self.environment.job_name,
            classes=class_map(classes),
        )
        if self.arguments.gpu_graph:
            write_torch_graph(self.environment.model_folder / "model.pt", network, self.preprocessing.image_size)
        print(f"saved: {self.environment.model_folder}", flush=True)
        results = None
        try:
            self._measure_precisions()
            if test is not None:
                results = self._judge(network.to(self.device), test)
        except StopRequested:
            if test is not None:
                print("stopped by SIGTERM: the test channel is not judged", flush=True)
        self._card(len(classes), self.progress.best, results).write(self.environment.model_folder)

    def _measure_precisions(self) -> None:
        """Add what `--quantize` asks for to the artifact. Raises StopRequested, also where the job had been stopped."""
        if self.quantization is not None and self.validation_images is not None:
            self.quantization.apply(self.environment.model_folder, self.validation_images, self.stop)

    def _judge(self, network: Classifier, test: Channel) -> Results:
        """The one look at the test channel."""
        judged = self.inputs.judged(network, test, watched=True, alone=True)
        totals, logits, labels = evaluate(judged.network, nn.CrossEntropyLoss(), judged.batches.epoch(0), self.stop)
        print(f"test:loss={totals.mean_loss:.4f} test:accuracy={totals.accuracy:.4f}", flush=True)
        title = f"{self.arguments.arch}, {self.environment.job_name}"
        results = results_of(totals.mean_loss, logits, labels, test.classes)
        write_test_report(self.environment.output_folder, title, results, self.progress)
        return results

    def _card(self, classes: int, best: Epoch, results: Results | None) -> ModelCard:
        arguments = self.arguments
        return ModelCard(
            job=self.environment.job_name,
            architecture=arguments.arch,
            classes=classes,
            image_size=arguments.image_size,
            weights=self.weights,
            data=[self._data(images) for images in self.inputs.opened],
            settings=asdict(arguments),
            best=best,
            results=results,
        )

    def _data(self, images: ImageSet) -> Data:
        try:
            digest = images.digest(self.environment.cpus, self.stop)
        except StopRequested:
            digest = "not computed, the job was stopped"
        return Data(images.channel.name, len(images), len(images.skipped), digest)
