"""Autologging from PyTorch, with MLflow's own client and Lightning; asked for with `--with torch`."""

import mlflow
from framework import case, equal, fresh


@case("autologging", needs="torch")
def pytorch(server):
    import torch

    try:
        import lightning
    except ImportError:
        import pytorch_lightning as lightning

    class Line(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, x):
            return self.layer(x)

        def training_step(self, batch, index):
            x, y = batch
            loss = torch.nn.functional.mse_loss(self(x), y)
            self.log("loss", loss, on_epoch=True)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.05)

    torch.manual_seed(1)
    x = torch.arange(8).reshape(8, 1) / 8
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, 2 * x), batch_size=4)
    experiment = mlflow.set_experiment(fresh("autolog")).experiment_id
    mlflow.pytorch.autolog(log_models=True, checkpoint=False)
    trainer = lightning.Trainer(max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    with mlflow.start_run() as run:
        trainer.fit(Line(), batches)
    data = mlflow.get_run(run.info.run_id).data
    equal((data.params["optimizer_name"], data.params["epochs"]), ("SGD", "3"))
    assert "loss" in data.metrics or "loss_epoch" in data.metrics, data.metrics
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss_epoch" if "loss_epoch" in data.metrics else "loss")
    assert len(history) >= 3, history
    found = mlflow.search_logged_models(experiment_ids=[experiment], output_format="list")
    assert found, "no model was logged"
    loaded = mlflow.pytorch.load_model(found[0].model_uri)
    assert torch.isfinite(loaded(x)).all()
